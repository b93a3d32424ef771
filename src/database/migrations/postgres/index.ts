import { Initial1763800000000 } from './1763800000000-initial.js';
import { RevocationsUntil1763900000000 } from './1763900000000-revocations-until.js';
import { SessionsDelivery1764000000000 } from './1764000000000-sessions-delivery.js';

/** In their order. The other database has a migration of the same name for each. */
export const postgresMigrations = [Initial1763800000000, RevocationsUntil1763900000000, SessionsDelivery1764000000000];
