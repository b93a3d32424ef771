import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { BoundedQueue } from './bounded-queue.js';

/**
 * The turns of work that keeps a core busy: hashing, and judging how hard a password is to guess. One core's worth is left
 * free for everything else, and so is one of libuv's four threads, which the database driver and DNS need as well.
 */
@Injectable()
export class HashingQueue extends BoundedQueue {
  constructor() {
    super('hashing_busy', Math.max(1, Math.min(3, availableParallelism() - 1)));
  }
}
