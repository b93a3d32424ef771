import { describe, expect, it } from 'vitest';
import { BoundedQueue } from './bounded-queue.js';
import type { Problem } from '../problem/problem.js';

/** Work that ends when it is told to. */
function tasks() {
  const ends: (() => void)[] = [];
  return {
    work: () => new Promise<void>((end) => ends.push(end)),
    /** Ends them one after the other as they begin, until these are done. */
    endAll: async (done: Promise<unknown>[]) => {
      const ending = setInterval(() => ends.splice(0).forEach((end) => end()), 1);
      await Promise.all(done);
      clearInterval(ending);
    },
  };
}
const codeOf = (work: () => unknown): string | null => {
  try {
    void work();
    return null;
  } catch (error) {
    return (error as Problem).code;
  }
};

describe('a bounded queue', () => {
  it('runs no more at once than it may, and all of them in the end', async () => {
    const queue = new BoundedQueue('hashing_busy', 2);
    const { work, endAll } = tasks();
    let begun = 0;
    const done = [1, 2, 3, 4, 5].map(() => queue.inTurn(() => (begun++, work())));
    await new Promise(setImmediate);
    expect(begun).toBe(2);
    await endAll(done);
    expect(begun).toBe(5);
  });

  it('refuses at once who would be the 65th to wait', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    const { work, endAll } = tasks();
    const done = Array.from({ length: 65 }, () => queue.inTurn(work));
    await new Promise(setImmediate);
    expect(codeOf(() => queue.inTurn(work))).toBe('hashing_busy');
    await endAll(done);
    expect(codeOf(() => queue.inTurn(async () => {}))).toBeNull();
  });

  it('refuses at once who would wait for more than five seconds, by what the last ones took', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    queue['tookMs'].push(1, 1, 1001, 1001);
    const { work, endAll } = tasks();
    const done = Array.from({ length: 6 }, () => queue.inTurn(work));
    await new Promise(setImmediate);
    expect(codeOf(() => queue.inTurn(work))).toBe('hashing_busy');
    await endAll(done);
    expect(codeOf(() => queue.inTurn(async () => {}))).toBeNull();
  });

  it('gives the place of who failed to the next', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    const failing = queue.inTurn(() => Promise.reject(new Error('no')));
    const next = queue.inTurn(async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });
});
