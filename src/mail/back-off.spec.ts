import { describe, expect, it } from 'vitest';
import { backOffMs } from './back-off.js';

describe('the back-off of mail', () => {
  it('doubles from 10 s to 1 h', () => {
    const full = [1, 2, 3, 9, 10, 1000].map((attempt) => backOffMs(attempt, 1));
    expect(full).toEqual([10_000, 20_000, 40_000, 2_560_000, 3_600_000, 3_600_000]);
  });

  it('has jitter of a half', () => {
    expect([backOffMs(1, 0), backOffMs(1, 0.5), backOffMs(50, 0)]).toEqual([5000, 7500, 1_800_000]);
  });
});
