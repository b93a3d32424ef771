import { Initial1763800000000 } from './1763800000000-initial.js';

/** In their order. The other database has a migration of the same name for each. */
export const postgresMigrations = [Initial1763800000000];
