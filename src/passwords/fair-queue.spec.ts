import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Problem } from '../problem/problem.js';
import { FairQueue, ticketFor } from './fair-queue.js';

const FLOOD = '192.0.2.0/24';

/** A queue of one task at a time, whose tasks a test finishes. Each task is named by its network and number. */
function setUp({ atOnce = 1, tookMs = [] }: { atOnce?: number; tookMs?: number[] } = {}) {
  // The queue measures its tasks: how long this machine takes for a test must not decide.
  if (!vi.isFakeTimers()) vi.spyOn(performance, 'now').mockReturnValue(0);
  const queue = new FairQueue('hashing_busy', atOnce);
  queue['tookMs'].push(...tookMs);
  const begun: string[] = [];
  const refused: string[] = [];
  const finish: (() => void)[] = [];
  const add = (name: string, network: string = name.split(' ')[0]!) => {
    const work = () => (begun.push(name), new Promise<void>((resolve) => finish.push(resolve)));
    return queue.inTurn(ticketFor(network), work).catch(({ code }: Problem) => void refused.push(`${name} ${code}`));
  };
  const turns = () => new Promise(setImmediate);
  const next = async () => {
    finish.shift()?.();
    await turns();
  };
  const runAll = async () => {
    while (finish.length > 0) await next();
  };
  return { queue, begun, refused, add, turns, next, runAll };
}

const named = (network: string, count: number) => Array.from({ length: count }, (_, i) => `${network} ${i + 1}`);

describe('a fair queue', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('limits parallel tasks, and runs those of one network in their order', async () => {
    const { begun, add, turns, runAll } = setUp({ atOnce: 2 });
    named('a', 5).forEach((name) => void add(name));
    await turns();
    expect(begun).toHaveLength(2);
    await runAll();
    expect(begun).toEqual(named('a', 5));
  });

  it('serves networks in turn, so that a flood of one delays others by one task', async () => {
    const { begun, add, turns, next, runAll } = setUp();
    named('flood', 30).forEach((name) => void add(name));
    ['ada 1', 'ada 2', 'grace 1'].forEach((name) => void add(name));
    await turns();
    for (let i = 0; i < 6; i++) await next();
    expect(begun.slice(1, 6)).toEqual(['flood 2', 'ada 1', 'grace 1', 'flood 3', 'ada 2']);
    await runAll();
    expect(begun).toHaveLength(33);
  });

  it('refuses the oldest task of the largest network when 64 wait (back-pressure)', async () => {
    const { queue, refused, add, turns, runAll } = setUp();
    void add('running 1');
    named('flood', 64).forEach((name) => void add(name));
    named('ada', 3).forEach((name) => void add(name));
    await turns();
    expect(refused).toEqual(['flood 1 hashing_busy', 'flood 2 hashing_busy', 'flood 3 hashing_busy']);
    expect([queue.running, queue.waiting, queue.refused]).toEqual([1, 64, 3]);
    await runAll();
    expect([queue.running, queue.waiting]).toEqual([0, 0]);
  });

  it('refuses any one when 64 networks wait already, not always the newcomer', async () => {
    const { refused, add, turns, runAll } = setUp();
    void add('running 1');
    for (let i = 0; i < 164; i++) void add(`network-${i} 1`);
    await turns();
    expect(refused).toHaveLength(100);
    expect(refused.some((text) => Number(/\d+/.exec(text)) < 64)).toBe(true);
    await runAll();
  });

  it('serves the newest first, and refuses the oldest, beyond what can begin in time', async () => {
    // One task takes 1.6 seconds, so 5 can begin in the 8 seconds that a request may wait.
    const { begun, refused, add, turns, next, runAll } = setUp({ tookMs: [1, 1, 1600, 1600] });
    named('flood', 8).forEach((name) => void add(name));
    await turns();
    expect(refused).toEqual(['flood 2 hashing_busy', 'flood 3 hashing_busy']);
    await next();
    expect(begun).toEqual(['flood 1', 'flood 8']);
    await runAll();
    expect(begun.slice(-2)).toEqual(['flood 4', 'flood 5']);
  });

  it.each([
    [1, ['flood'], 5],
    [2, ['flood'], 10],
    [2, ['flood', 'other'], 5],
  ])('keeps what can begin in time: %i at once, waiting networks %j: %i each', async (atOnce, networks, kept) => {
    const { queue, add, turns, runAll } = setUp({ atOnce, tookMs: [1, 1, 1600, 1600] });
    for (let i = 0; i < atOnce; i++) void add(`running ${i}`);
    for (const name of networks.flatMap((network) => named(network, 20))) void add(name);
    await turns();
    // The first network had the whole time for itself before the second came.
    const waiting = [...queue['waitingOf'].values()].map((tasks) => tasks.length);
    expect(waiting.at(-1)).toBe(kept);
    await runAll();
  });

  it('measures the last 12 tasks, by their upper quartile', async () => {
    const { queue, add, next, turns } = setUp({ tookMs: Array.from({ length: 12 }, (_, i) => i) });
    expect(queue['typicalMs']()).toBe(9);
    void add('a 1');
    await turns();
    await next();
    expect(queue['tookMs']).toHaveLength(12);
  });

  it('has one deadline for all tasks of a request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { queue, add, turns } = setUp();
    const ticket = ticketFor('ada');
    vi.advanceTimersByTime(7000);
    void add('running 1');
    const late = queue.inTurn(ticket, async () => 'done').catch(({ code }: Problem) => code);
    vi.advanceTimersByTime(1001);
    vi.useRealTimers();
    expect(await late).toBe('hashing_busy');
    await turns();
  });

  it('forgets the deadlines of tasks that run or are refused', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { queue, add, turns, next } = setUp();
    void add('running 1');
    named('flood', 65).forEach((name) => void add(name));
    expect(vi.getTimerCount()).toBe(64);
    await next();
    expect(vi.getTimerCount()).toBe(63);
    vi.advanceTimersByTime(8001);
    vi.useRealTimers();
    await turns();
    expect([queue.running, queue.waiting, queue.refused]).toEqual([1, 0, 64]);
  });

  it('refuses a task at its deadline, and runs the others', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { begun, refused, add, turns, next, runAll } = setUp();
    void add('running 1');
    void add('early 1');
    vi.advanceTimersByTime(7000);
    void add('late 1');
    vi.advanceTimersByTime(1001);
    await turns();
    expect(refused).toEqual(['early 1 hashing_busy']);
    vi.useRealTimers();
    await next();
    expect(begun).toEqual(['running 1', 'late 1']);
    await runAll();
  });

  it('runs the next task after one has failed', async () => {
    const { queue } = setUp();
    const failing = queue.inTurn(ticketFor(FLOOD), () => Promise.reject(new Error('no')));
    const next = queue.inTurn(ticketFor(FLOOD), async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });

  it('runs every task once, in any order of arrivals and ends', async () => {
    const { queue, begun, refused, add, next, runAll } = setUp({ atOnce: 3 });
    const tasks = Array.from({ length: 500 }, (_, i) => `n${(i * 7) % 11} ${i}`);
    for (const [i, name] of tasks.entries()) {
      void add(name);
      if (i % 3 === 0) await next();
    }
    await runAll();
    expect([...begun, ...refused.map((text) => text.replace(' hashing_busy', ''))].sort()).toEqual(tasks.sort());
    expect([queue.running, queue.waiting, queue.refused]).toEqual([0, 0, refused.length]);
  });
});
