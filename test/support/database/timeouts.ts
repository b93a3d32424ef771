import { afterAll, beforeAll } from 'vitest';
import { TIMEOUTS } from '../../../src/database/connection-options.js';

/** Shortens the database time-outs for this test file. Call it before anything connects. */
export function waitAtMost(waits: typeof TIMEOUTS): void {
  const usual = { ...TIMEOUTS };
  beforeAll(() => void Object.assign(TIMEOUTS, waits));
  afterAll(() => void Object.assign(TIMEOUTS, usual));
}
