import { afterAll, beforeAll } from 'vitest';
import { TIMEOUTS } from '../../../src/database/connection-options.js';

/** Shortens the database time-outs for this test file. Call it before anything connects. */
export function shortenTimeouts(timeouts: typeof TIMEOUTS): void {
  const usual = { ...TIMEOUTS };
  beforeAll(() => void Object.assign(TIMEOUTS, timeouts));
  afterAll(() => void Object.assign(TIMEOUTS, usual));
}
