import { Initial1763800000000 } from './1763800000000-initial.js';
import { SecurityEvents1764500300000 } from './1764500300000-security-events.js';

export const postgresMigrations = [Initial1763800000000, SecurityEvents1764500300000];
