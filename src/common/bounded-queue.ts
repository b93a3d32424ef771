import pLimit from 'p-limit';
import type { ProblemCode } from './problem/catalogue.js';
import { Problem } from './problem/problem.js';

const MAX_WAITING = 64;
/** Beyond this nobody gains by waiting; and what waits when the process is told to stop has to fit into its deadline. */
const MAX_WAIT_MS = 5000;

/**
 * Work that takes turns, a few at a time. Who would have to wait for too long, by what the last ones took, is refused at
 * once, before any work.
 */
export class BoundedQueue {
  private readonly turn: ReturnType<typeof pLimit>;
  /** What the slowest of the last ones took: up at once, down slowly, so that quick ones do not hide them. */
  private lastlyMs = 0;

  constructor(
    private readonly busy: ProblemCode,
    private readonly atOnce: number,
  ) {
    this.turn = pLimit(atOnce);
  }

  /** Throws the queue's problem where too many wait already. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const waiting = this.turn.pendingCount;
    const wouldWaitMs = (waiting * this.lastlyMs) / this.atOnce;
    if (waiting >= MAX_WAITING || wouldWaitMs > MAX_WAIT_MS) throw new Problem(this.busy);
    return this.turn(() => this.timed(work));
  }

  private async timed<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      const tookMs = performance.now() - begun;
      this.lastlyMs = Math.max(tookMs, this.lastlyMs + (tookMs - this.lastlyMs) / 8);
    }
  }
}
