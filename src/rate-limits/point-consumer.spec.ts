import { describe, expect, it, vi } from 'vitest';
import { Clock } from '../clock/clock.js';
import { CountingLimiter } from './counting-limiter.js';
import { MemoryCounters } from './memory-counters.js';
import { PointConsumer, type Subject } from './point-consumer.js';

class StillClock extends Clock {
  at = 1_764_500_000_000;
  override now(): number {
    return this.at;
  }
}

describe('consuming points of several limits', () => {
  const clock = new StillClock();
  const setUp = () => {
    const counters = new MemoryCounters(clock);
    const limiter = (points: number) => new CountingLimiter('a limit', { points, windowMs: 600_000 }, counters, clock);
    const [address, network] = [limiter(2), limiter(5)];
    const from = (name: string): Subject[] => [
      { name: 'password-address', limiter: address, key: name },
      { name: 'password-network', limiter: network, key: 'network' },
    ];
    return { counters, from, consumer: new PointConsumer(clock) };
  };

  it('does not use up the points of a network with refused requests of one address', async () => {
    const { from, consumer } = setUp();
    for (let i = 0; i < 20; i++) {
      const { refusals } = await consumer.consumeAll(from('attacker'));
      expect(refusals.map(({ name }) => name)).toEqual(i < 2 ? [] : ['password-address']);
      clock.at += 2000;
    }
    for (const other of ['b', 'c', 'd']) expect((await consumer.consumeAll(from(other))).refusals).toEqual([]);
    expect((await consumer.consumeAll(from('e'))).refusals).toMatchObject([{ name: 'password-network' }]);
  });

  it('asks the store once a second for an address that is refused', async () => {
    const { counters, from, consumer } = setUp();
    for (let i = 0; i < 3; i++) await consumer.consumeAll(from('a'));
    const add = vi.spyOn(counters, 'addNow');
    for (let i = 0; i < 100; i++) expect((await consumer.consumeAll(from('a'))).refusals).toHaveLength(1);
    expect(add).not.toHaveBeenCalled();
    clock.at += 1000;
    await consumer.consumeAll(from('a'));
    expect(add).toHaveBeenCalledTimes(2);
  });

  it('allows an attempt at once for each point that is given back', async () => {
    const { from, consumer } = setUp();
    const first = await consumer.consumeAll(from('a'));
    await consumer.consumeAll(from('a'));
    expect((await consumer.consumeAll(from('a'))).refusals).toHaveLength(1);
    consumer.giveBack(first.points);
    expect((await consumer.consumeAll(from('a'))).refusals).toEqual([]);
    expect((await consumer.consumeAll(from('a'))).refusals).toHaveLength(1);
  });
});
