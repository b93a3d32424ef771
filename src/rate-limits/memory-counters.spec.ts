import { describe, expect, it } from 'vitest';
import { Clock } from '../clock/clock.js';
import { CountedPoint, CountingLimiter } from './counting-limiter.js';
import { MemoryCounters } from './memory-counters.js';

class StillClock extends Clock {
  at = 1_764_500_000_000;
  override now(): number {
    return this.at;
  }
}

describe('counters in memory', () => {
  const clock = new StillClock();
  const limiterOf = (counters: MemoryCounters) =>
    new CountingLimiter('login', { points: 2, windowMs: 60_000 }, counters, clock);

  it('allow as many points as the limit in a window that begins with the first', async () => {
    const limiter = limiterOf(new MemoryCounters(clock));
    expect(await limiter.consume('a')).toMatchObject({ consumedPoints: 1, remainingPoints: 1, msBeforeNext: 60_000 });
    clock.at += 59_999;
    await limiter.consume('a');
    await expect(limiter.consume('a')).rejects.toMatchObject({ consumedPoints: 3, msBeforeNext: 1 });
    await limiter.consume('b');
    clock.at += 1;
    expect(await limiter.consume('a')).toMatchObject({ consumedPoints: 1 });
  });

  it('take a point back only in the window that it belongs to', async () => {
    const counters = new MemoryCounters(clock);
    const limiter = limiterOf(counters);
    const first = (await limiter.consume('a')) as CountedPoint;
    await limiter.giveBack('a', first);
    expect(await limiter.get('a')).toMatchObject({ consumedPoints: 0 });
    clock.at += 60_000;
    await limiter.consume('a');
    await limiter.giveBack('a', first);
    expect(await limiter.get('a')).toMatchObject({ consumedPoints: 1 });
    expect(await limiter.delete('a')).toBe(true);
    expect(await limiter.get('a')).toBeNull();
  });

  it('are bounded, and forget the least recently used key, not the one under attack', async () => {
    const counters = new MemoryCounters(clock, 1000);
    const limiter = limiterOf(counters);
    for (let i = 0; i < 5000; i++) {
      await limiter.consume('under attack').catch(() => {});
      await limiter.consume(`invented ${i}`);
    }
    expect(counters.size).toBe(1000);
    await expect(limiter.consume('under attack')).rejects.toBeInstanceOf(CountedPoint);
  });
});
