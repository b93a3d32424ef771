import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs } from './back-off.js';

const failures = fc.integer({ min: 1, max: 2000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the back-off after a failure', () => {
  it('is at least as long as Retry-After, and at most 15 s longer', () => {
    fc.assert(
      fc.property(failures, fc.nat(3600), random, (count, seconds, chance) => {
        const wait = backOffMs(count, seconds, chance);
        expect(wait).toBeGreaterThan(seconds * 1000);
        expect(wait).toBeLessThanOrEqual(seconds * 1000 + 15_000);
      }),
    );
  });

  it('grows exponentially, with jitter up to a factor of two', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((count) => backOffMs(count, undefined, 0))).toEqual([
      400, 800, 1600, 3200, 6400, 7500, 7500,
    ]);
    fc.assert(
      fc.property(failures, random, (count, chance) => {
        const least = backOffMs(count, undefined, 0);
        expect(backOffMs(count, undefined, chance)).toBeLessThan(2 * least + 1);
      }),
    );
  });
});
