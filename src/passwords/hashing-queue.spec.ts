import { describe, expect, it } from 'vitest';
import { hashingThreads } from './hashing-queue.js';

describe('the hashing threads of a worker', () => {
  it('leave one core free, and one thread of libuv, without workers', () => {
    expect([1, 2, 3, 4, 64].map((cores) => hashingThreads(cores, 1))).toEqual([1, 1, 2, 3, 3]);
  });

  it('leave one core free over all workers, where there are fewer workers than cores', () => {
    for (let cores = 2; cores <= 64; cores++) {
      for (let workers = 1; workers < cores; workers++)
        expect(hashingThreads(cores, workers) * workers).toBeLessThan(cores);
    }
    expect([hashingThreads(8, 2), hashingThreads(8, 3), hashingThreads(8, 7)]).toEqual([3, 2, 1]);
  });

  it('are one for each worker, where there are as many workers as cores or more', () => {
    expect([hashingThreads(2, 2), hashingThreads(8, 8), hashingThreads(2, 5)]).toEqual([1, 1, 1]);
  });
});
