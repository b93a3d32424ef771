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

/** So that a flood of sign-ins leaves connections of the database to others, and a database that hangs stops no hashing. */
const LOOKUPS_AT_ONCE = 4;

/** The queue in which sign-ins look up their user. */
@Injectable()
export class LookupQueue extends FairQueue {
  constructor() {
    super('hashing_busy', LOOKUPS_AT_ONCE);
  }
}
