import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseWorkers, workerShare } from './workers.js';

describe('parseWorkers', () => {
  it('reads auto as one worker for each core', () => {
    expect([parseWorkers('auto'), parseWorkers('3')]).toEqual([availableParallelism(), 3]);
  });
});

describe('workerShare', () => {
  it('is everything for one worker', () => {
    expect([workerShare(16, 1), workerShare(1, 1)]).toEqual([16, 1]);
  });

  it('adds up to no more than the total, where everybody gets at least one', () => {
    for (let workers = 1; workers <= 16; workers++) expect(workerShare(16, workers) * workers).toBeLessThanOrEqual(16);
    expect([workerShare(16, 3), workerShare(7, 4)]).toEqual([5, 1]);
  });

  it('is one, where there are more workers than units', () => {
    expect([workerShare(1, 2), workerShare(7, 8), workerShare(0, 1)]).toEqual([1, 1, 1]);
  });
});
