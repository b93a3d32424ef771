import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PostgresCounters } from '../../../src/rate-limits/postgres-counters.js';
import { MovableClock } from '../../support/app/clock.js';
import { openTwo, shuffled, type BareDatabase } from '../../support/database/bare-database.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';

const WINDOW = 600_000;

describe('the counters of two processes', { timeout: 60_000 }, () => {
  const clock = new MovableClock();
  let server: ThrowawayDatabase;
  let opened: Awaited<ReturnType<typeof openTwo>>;
  beforeAll(async () => {
    server = await throwawayDatabase();
    opened = await openTwo(server.url);
  });
  afterAll(async () => {
    await opened.close();
    await server.drop();
  });

  const countersOf = ({ database }: BareDatabase) =>
    new PostgresCounters(database, { hash: (_: string, key: string) => key } as never, clock, () => {});

  it('give each of many parallel attempts a number of its own, without a deadlock', async () => {
    const both = [countersOf(opened.one), countersOf(opened.two)];
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
    const rounds = Array.from({ length: 20 }, () => both.map((counters) => [counters, shuffled(keys)] as const)).flat();
    const counts = await Promise.all(
      rounds.flatMap(([counters, order]) => order.map(async (key) => ({ key, ...(await counters.add(key, WINDOW)) }))),
    );
    for (const key of keys) {
      const points = counts.filter((count) => count.key === key).map((count) => count.points);
      expect(points.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    }
  });

  it('take back what both give back at once, without a deadlock, and never below zero', async () => {
    const both = [countersOf(opened.one), countersOf(opened.two)];
    const keys = Array.from({ length: 200 }, (_, i) => `back ${i}`);
    const counts = await Promise.all(keys.map((key) => both[0]!.add(key, WINDOW)));
    const end = counts[0]!.expiresAt;
    expect(new Set(counts.map(({ expiresAt }) => expiresAt)).size).toBeLessThan(5);
    await Promise.all(
      both.flatMap((counters) =>
        shuffled(keys).map((key) => counters.giveBack(key, counts[keys.indexOf(key)]!.expiresAt)),
      ),
    );
    expect((await both[0]!.find('back 0'))?.points).toBe(0);
    await both[1]!.add('back 0', WINDOW);
    await both[0]!.giveBack('back 0', end + 1);
    expect((await both[0]!.find('back 0'))?.points).toBe(1);
    expect([await both[0]!.delete('back 0'), await both[0]!.delete('back 0')]).toEqual([true, false]);
  });

  it('write one statement for all attempts of a turn', async () => {
    const counters = countersOf(opened.one);
    const write = vi.spyOn(opened.one.database, 'write');
    await Promise.all(Array.from({ length: 400 }, (_, i) => counters.add(`turn ${i % 7}`, WINDOW)));
    expect(write).toHaveBeenCalledTimes(1);
    write.mockRestore();
  });

  it('begin a new window when the old one is over', async () => {
    const [one, two] = [countersOf(opened.one), countersOf(opened.two)];
    const first = await one.add('window', WINDOW);
    clock.move('599s');
    expect(await two.add('window', WINDOW)).toEqual({ points: 2, expiresAt: first.expiresAt });
    clock.move('2s');
    const next = await one.add('window', WINDOW);
    expect([next.points, next.expiresAt > first.expiresAt]).toEqual([1, true]);
    await two.giveBack('window', first.expiresAt);
    expect((await two.find('window'))?.points).toBe(1);
  });
});
