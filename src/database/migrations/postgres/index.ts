import { Initial1763800000000 } from './1763800000000-initial.js';

export const postgresMigrations = [Initial1763800000000];
