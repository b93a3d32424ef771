import { Initial1763800000000 } from './1763800000000-initial.js';
import { Outbox1764500100000 } from './1764500100000-outbox.js';

export const postgresMigrations = [Initial1763800000000, Outbox1764500100000];
