import { Initial1763800000000 } from './1763800000000-initial.js';
import { RateLimits1764500000000 } from './1764500000000-rate-limits.js';

export const postgresMigrations = [Initial1763800000000, RateLimits1764500000000];
