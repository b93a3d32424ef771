import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs } from './back-off.js';

const failures = fc.integer({ min: 1, max: 2000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the wait after a failure', () => {
  it('is never shorter than the server asked for, and never more than 15 s longer', () => {
    fc.assert(
      fc.property(failures, fc.nat(3600), random, (count, seconds, chance) => {
        const wait = backOffMs(count, seconds, chance);
        expect(wait).toBeGreaterThan(seconds * 1000);
        expect(wait).toBeLessThanOrEqual(seconds * 1000 + 15_000);
      }),
    );
  });

  it('grows with the failures, and differs by chance up to twofold', () => {
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

  it('waits, whatever nonsense it is asked for', () => {
    expect(backOffMs(1, -5, 0.5)).toBe(backOffMs(1, undefined, 0.5));
  });
});
