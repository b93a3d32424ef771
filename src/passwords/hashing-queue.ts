import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { workerShare } from '../config/workers.js';
import { FairQueue } from './fair-queue.js';

const MAX_THREADS = 3;

/**
 * How much of this work each worker does at once. Together they leave one core free for everything else, unless there are as
 * many workers as cores: each needs one. Each leaves one of its four threads of libuv, which the database driver and DNS
 * need as well.
 */
export function hashingThreads(cores: number, workers: number): number {
  return Math.min(MAX_THREADS, workerShare(cores - 1, workers));
}

/** The queue of work that occupies a core: hashing, and estimating the strength of passwords. */
@Injectable()
export class HashingQueue extends FairQueue {
  constructor({ workers }: Config) {
    super('hashing_busy', hashingThreads(availableParallelism(), workers));
  }
}

/** So that a flood of sign-ins leaves connections of the database to others, and a database that hangs stops no hashing. */
const LOOKUPS_AT_ONCE = 4;

/** The queue in which sign-ins look up their user. */
@Injectable()
export class LookupQueue extends FairQueue {
  constructor() {
    super('hashing_busy', LOOKUPS_AT_ONCE);
  }
}
