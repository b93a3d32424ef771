import { describe, expect, it } from 'vitest';
import { earlyDeaths, restartDelayMs, STABLE_MS } from './restart-delay.js';

describe('the delay before a worker is started again', () => {
  it('is none after a stable worker', () => {
    expect(earlyDeaths(7, STABLE_MS)).toBe(0);
    expect(restartDelayMs(0, 1)).toBe(0);
  });

  it('doubles from 250 ms to 30 s with each early death in a row', () => {
    expect(earlyDeaths(earlyDeaths(0, 0), STABLE_MS - 1)).toBe(2);
    const full = [1, 2, 3, 7, 8, 1000].map((deaths) => restartDelayMs(deaths, 1));
    expect(full).toEqual([250, 500, 1000, 16_000, 30_000, 30_000]);
  });

  it('has jitter of a half', () => {
    expect([restartDelayMs(1, 0), restartDelayMs(1, 0.5), restartDelayMs(50, 0)]).toEqual([125, 188, 15_000]);
  });
});
