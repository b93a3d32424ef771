import { afterAll, beforeAll } from 'vitest';
import { TIMEOUTS } from '../../src/database/connection-options.js';

/** For this file, waits for the database as long as a test may take. Before anything that connects. */
export function waitAtMost(waits: typeof TIMEOUTS): void {
  const usual = { ...TIMEOUTS };
  beforeAll(() => void Object.assign(TIMEOUTS, waits));
  afterAll(() => void Object.assign(TIMEOUTS, usual));
}
