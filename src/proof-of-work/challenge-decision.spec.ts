import { describe, expect, it } from 'vitest';
import { softLimitOf } from '../config/rate-limit-policies.js';
import { isAcceptable, needsChallenge } from './challenge-decision.js';

const NOW = 1_800_000_000_000;

describe('the need for a challenge', () => {
  it.each([
    [false, 0, false],
    [false, 4, false],
    [false, 5, true],
    [false, 100, true],
    [true, 0, true],
    [true, 5, true],
  ])('over a soft limit: %s, with %i failures at the account: %s', (isOverSoftLimit, failures, needed) => {
    expect(needsChallenge({ isOverSoftLimit, failures })).toBe(needed);
  });
});

describe('the soft limit', () => {
  it.each([
    [1, 3],
    [12, 3],
    [15, 3],
    [16, 4],
    [50, 12],
    [1_000_000, 250_000],
  ])('of %i points is %i', (points, soft) => {
    expect(softLimitOf({ points })).toBe(soft);
  });
});

describe('a challenge', () => {
  it('is acceptable until the moment at which it expires', () => {
    const terms = { purpose: 'login', expiresAt: NOW / 1000 };
    expect(isAcceptable(terms, 'login', NOW - 1)).toBe(true);
    expect(isAcceptable(terms, 'login', NOW)).toBe(false);
  });

  it.each(['register', 'forgot-password', '', undefined, null, ['login'], { toString: () => 'login' }])(
    'of another purpose is not acceptable: %j',
    (purpose) => {
      expect(isAcceptable({ purpose, expiresAt: NOW }, 'login', NOW)).toBe(false);
    },
  );

  it.each([undefined, null, '', '9e99', String(NOW), Number.NaN, [NOW], {}, true])(
    'without a time to expire is not acceptable: %j',
    (expiresAt) => {
      expect(isAcceptable({ purpose: 'login', expiresAt }, 'login', NOW)).toBe(false);
    },
  );
});
