import { describe, expect, it } from 'vitest';
import { BoundedQueue } from './bounded-queue.js';
import type { Problem } from '../problem/problem.js';

/** Tasks that a test finishes. */
function tasks() {
  const resolvers: (() => void)[] = [];
  return {
    work: () => new Promise<void>((resolve) => resolvers.push(resolve)),
    /** Finishes the tasks as they start, until all of `done` are settled. */
    finishAll: async (done: Promise<unknown>[]) => {
      const timer = setInterval(() => resolvers.splice(0).forEach((resolve) => resolve()), 1);
      await Promise.all(done);
      clearInterval(timer);
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
  it('limits parallel tasks, and runs all of them', async () => {
    const queue = new BoundedQueue('hashing_busy', 2);
    const { work, finishAll } = tasks();
    let begun = 0;
    const done = [1, 2, 3, 4, 5].map(() => queue.inTurn(() => (begun++, work())));
    await new Promise(setImmediate);
    expect(begun).toBe(2);
    await finishAll(done);
    expect(begun).toBe(5);
  });

  it('refuses the 65th waiting task at once (back-pressure)', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    const { work, finishAll } = tasks();
    const done = Array.from({ length: 65 }, () => queue.inTurn(work));
    await new Promise(setImmediate);
    expect(codeOf(() => queue.inTurn(work))).toBe('hashing_busy');
    await finishAll(done);
    expect(codeOf(() => queue.inTurn(async () => {}))).toBeNull();
  });

  it('refuses a task with an expected wait above five seconds at once', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    queue['tookMs'].push(1, 1, 1001, 1001);
    const { work, finishAll } = tasks();
    const done = Array.from({ length: 6 }, () => queue.inTurn(work));
    await new Promise(setImmediate);
    expect(codeOf(() => queue.inTurn(work))).toBe('hashing_busy');
    await finishAll(done);
    expect(codeOf(() => queue.inTurn(async () => {}))).toBeNull();
  });

  it('runs the next task after one has failed', async () => {
    const queue = new BoundedQueue('hashing_busy', 1);
    const failing = queue.inTurn(() => Promise.reject(new Error('no')));
    const next = queue.inTurn(async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('done');
  });
});
