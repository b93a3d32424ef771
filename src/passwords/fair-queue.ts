import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';

const MAX_WAITING = 64;
/** Waiting longer helps no client; and what waits at a graceful shutdown has to fit into its deadline. */
const MAX_WAIT_MS = 8000;
const MEASURED_TASKS = 12;

/** Who asks for work: all tasks of one request have one ticket, and so one deadline. */
export interface Ticket {
  /** The network of the client: see `networkOf`. */
  network: string;
  /** A task that still waits then is refused: a time of `performance.now()`. */
  deadline: number;
}

export function ticketFor(network: string): Ticket {
  return { network, deadline: performance.now() + MAX_WAIT_MS };
}

interface Waiting {
  start: () => void;
  refuse: () => void;
}

/**
 * Round robin by network, adaptive LIFO within one. Runs tasks a few at a time, in turn for each network, so that one network
 * cannot keep the others waiting. A network whose tasks cannot all begin before their deadline loses the oldest; from half
 * of that number on its newest run first, because the oldest would hardly be in time. 64 tasks wait at most; one more
 * displaces the oldest of the network with the most. Whoever has 64 networks can still fill the queue.
 */
export class FairQueue {
  /** The waiting tasks of each network, oldest first. The first network is the next in turn. */
  private readonly waitingOf = new Map<string, Waiting[]>();
  /** Durations of the last tasks. */
  private readonly tookMs: number[] = [];
  private waitingCount = 0;
  private runningCount = 0;
  private refusals = 0;

  constructor(
    private readonly busy: ProblemCode,
    private readonly atOnce: number,
  ) {}

  get running(): number {
    return this.runningCount;
  }

  get waiting(): number {
    return this.waitingCount;
  }

  /** Tasks refused since the start. */
  get refused(): number {
    return this.refusals;
  }

  /** Throws the queue's problem when the task cannot begin before the deadline, or too many newer ones wait. */
  async inTurn<T>(ticket: Ticket, work: () => Promise<T>): Promise<T> {
    if (this.runningCount < this.atOnce) this.runningCount += 1;
    else await this.turn(ticket);
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.tookMs.push(performance.now() - startedAt);
      if (this.tookMs.length > MEASURED_TASKS) this.tookMs.shift();
      this.passOn();
    }
  }

  /** Resolves when a running task has passed its place on. */
  private turn({ network, deadline }: Ticket): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => {
        clearTimeout(timer);
        this.refusals += 1;
        reject(new Problem(this.busy));
      };
      const start = () => {
        clearTimeout(timer);
        resolve();
      };
      const task = { start, refuse };
      const timer = setTimeout(() => this.remove(network, task).refuse(), deadline - performance.now());
      this.add(network, task);
    });
  }

  private add(network: string, task: Waiting): void {
    const own = this.waitingOf.get(network) ?? [];
    if (own.length === 0) this.waitingOf.set(network, own);
    own.push(task);
    this.waitingCount += 1;
    if (own.length > this.inTime()) this.remove(network, own[0]!).refuse();
    if (this.waitingCount > MAX_WAITING) {
      const most = Math.max(...[...this.waitingOf.values()].map((tasks) => tasks.length));
      const largest = [...this.waitingOf].filter(([, tasks]) => tasks.length === most);
      // Where all are equal a newcomer must not always lose.
      const [loser, tasks] = largest[Math.floor(Math.random() * largest.length)]!;
      this.remove(loser, tasks[0]!).refuse();
    }
  }

  /** Gives the place of a task that has ended to the network whose turn it is. */
  private passOn(): void {
    const [next] = this.waitingOf;
    if (!next) {
      this.runningCount -= 1;
      return;
    }
    const [network, own] = next;
    const task = this.remove(network, own.length > this.inTime() / 2 ? own.at(-1)! : own[0]!);
    if (own.length > 0) {
      this.waitingOf.delete(network);
      this.waitingOf.set(network, own);
    }
    task.start();
  }

  private remove(network: string, task: Waiting): Waiting {
    const own = this.waitingOf.get(network)!;
    own.splice(own.indexOf(task), 1);
    if (own.length === 0) this.waitingOf.delete(network);
    this.waitingCount -= 1;
    return task;
  }

  /** How many tasks of one network can begin before their deadline, when each network has its turns. */
  private inTime(): number {
    const share = (MAX_WAIT_MS * this.atOnce) / (this.typicalMs() * this.waitingOf.size);
    return Math.max(1, Math.floor(Math.min(share, MAX_WAITING)));
  }

  /** The upper quartile: quick tasks do not hide slow ones, and one slow task is no pattern. */
  private typicalMs(): number {
    const sorted = [...this.tookMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.75)] ?? 0;
  }
}
