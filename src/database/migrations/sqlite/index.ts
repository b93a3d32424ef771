import { Initial1763800000000 } from './1763800000000-initial.js';
import { RateLimits1764500000000 } from './1764500000000-rate-limits.js';
import { Outbox1764500100000 } from './1764500100000-outbox.js';
import { Accounts1764500200000 } from './1764500200000-accounts.js';
import { SecurityEvents1764500300000 } from './1764500300000-security-events.js';

export const sqliteMigrations = [
  Initial1763800000000,
  RateLimits1764500000000,
  Outbox1764500100000,
  Accounts1764500200000,
  SecurityEvents1764500300000,
];
