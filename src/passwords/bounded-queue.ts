import pLimit from 'p-limit';
import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';

const MAX_WAITING = 64;
/** Beyond this nobody gains by waiting; and what waits when the process is told to stop has to fit into its deadline. */
const MAX_WAIT_MS = 5000;
const REMEMBERED = 12;

/**
 * Work that takes turns, a few at a time. Who would have to wait for too long, by what the last ones took, is refused at
 * once, before any work.
 */
export class BoundedQueue {
  private readonly turn: ReturnType<typeof pLimit>;
  /** What the last ones took. */
  private readonly tookMs: number[] = [];
  private refusals = 0;

  constructor(
    private readonly busy: ProblemCode,
    private readonly atOnce: number,
  ) {
    this.turn = pLimit(atOnce);
  }

  get running(): number {
    return this.turn.activeCount;
  }

  get waiting(): number {
    return this.turn.pendingCount;
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.refusals;
  }

  /** Throws the queue's problem where too many wait already. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const waiting = this.turn.pendingCount;
    const wouldWaitMs = (waiting * this.usualMs()) / this.atOnce;
    if (waiting >= MAX_WAITING || wouldWaitMs > MAX_WAIT_MS) {
      this.refusals += 1;
      throw new Problem(this.busy);
    }
    return this.turn(() => this.timed(work));
  }

  private async timed<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      this.tookMs.push(performance.now() - begun);
      if (this.tookMs.length > REMEMBERED) this.tookMs.shift();
    }
  }

  /** The upper quartile: quick ones among slow ones do not hide them, and a single slow one is no rule. */
  private usualMs(): number {
    const sorted = [...this.tookMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.75)] ?? 0;
  }
}
