import { expect, it } from 'vitest';
import { decide } from './mail-budgets.js';

it.each([
  [{ mailbox: null, domain: null, total: null }, { outcome: 'granted' }],
  [{ mailbox: 5, domain: null, total: null }, { outcome: 'dropped' }],
  [{ mailbox: 5, domain: 6, total: 7 }, { outcome: 'dropped' }],
  [
    { mailbox: null, domain: 6, total: null },
    { outcome: 'postponed', until: 6 },
  ],
  [
    { mailbox: null, domain: null, total: 7 },
    { outcome: 'postponed', until: 7 },
  ],
  [
    { mailbox: null, domain: 8, total: 7 },
    { outcome: 'postponed', until: 8 },
  ],
])('a mail beyond a budget is dropped or postponed: %j', (exhausted, decision) => {
  expect(decide(exhausted)).toEqual(decision);
});
