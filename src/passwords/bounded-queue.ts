import pLimit from 'p-limit';
import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';

const MAX_WAITING = 64;
/** Waiting longer helps no client; and what waits at a graceful shutdown has to fit into its deadline. */
const MAX_WAIT_MS = 5000;
const MEASURED_TASKS = 12;

/**
 * Runs tasks a few at a time, with back-pressure: a task that would have to wait for too long, judged by how long the last
 * tasks took, is refused at once, before any work.
 */
export class BoundedQueue {
  private readonly turn: ReturnType<typeof pLimit>;
  /** Durations of the last tasks. */
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

  /** Tasks refused since the start. */
  get refused(): number {
    return this.refusals;
  }

  /** Throws the queue's problem when too many tasks wait already. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const waiting = this.turn.pendingCount;
    const wouldWaitMs = (waiting * this.typicalMs()) / this.atOnce;
    if (waiting >= MAX_WAITING || wouldWaitMs > MAX_WAIT_MS) {
      this.refusals += 1;
      throw new Problem(this.busy);
    }
    return this.turn(() => this.timed(work));
  }

  private async timed<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.tookMs.push(performance.now() - startedAt);
      if (this.tookMs.length > MEASURED_TASKS) this.tookMs.shift();
    }
  }

  /** The upper quartile: quick tasks do not hide slow ones, and one slow task is no pattern. */
  private typicalMs(): number {
    const sorted = [...this.tookMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.75)] ?? 0;
  }
}
