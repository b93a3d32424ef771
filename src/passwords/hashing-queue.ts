import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { FairQueue } from './fair-queue.js';

/**
 * The queue of work that occupies a core: hashing, and estimating the strength of passwords. Leaves one core free for
 * everything else, and one of the four threads of libuv, which the database driver and DNS need as well.
 */
@Injectable()
export class HashingQueue extends FairQueue {
  constructor() {
    super('hashing_busy', Math.max(1, Math.min(3, availableParallelism() - 1)));
  }
}
