import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pLimit from 'p-limit';
import type { Ticket } from './fair-queue.js';
import { HashingQueue } from './hashing-queue.js';
import type { PersonalWords } from './own-words.js';

const THREAD = new URL('strength.worker.js', import.meta.url);
const IDLE_MS = 60_000;

/**
 * Estimates how hard a new password is to guess: `zxcvbn` with its lists of common passwords, English words and names, and
 * the user's own words (OWASP ASVS 5.0 6.2.4, 6.2.11). It runs in a worker thread, which starts at the first task and stops
 * after a minute without one: its lists take memory.
 */
@Injectable()
export class PasswordStrength implements OnApplicationShutdown {
  /** The thread judges one password at a time. Only tasks whose turn it is wait here, so that the turns stay fair. */
  private readonly oneAtATime = pLimit(1);
  private worker: Promise<Worker> | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly hashing: HashingQueue) {}

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Why it is too easy to guess, in a sentence; null when it is not. Throws `hashing_busy`. */
  async findWeakness(password: string, words: PersonalWords, ticket: Ticket): Promise<string | null> {
    // Starting the thread takes longer than many estimates, so the queue must not count it as the time of one.
    await this.started();
    return this.hashing.inTurn(ticket, () => this.oneAtATime(() => this.ask({ password, words })));
  }

  /** One task at a time, so the next message is its result. A thread that dies fails one task; the next starts another. */
  private async ask(task: object): Promise<string | null> {
    clearTimeout(this.idle);
    const worker = await this.started();
    try {
      worker.postMessage(task);
      const [result] = (await once(worker, 'message')) as [string | null];
      return result;
    } finally {
      this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    }
  }

  /** Resolves at the thread's first message, which says that it is ready. */
  private started(): Promise<Worker> {
    return (this.worker ??= this.start());
  }

  private start(): Promise<Worker> {
    const worker = new Worker(THREAD);
    worker.unref();
    const started = once(worker, 'message').then(() => worker);
    // An 'error' event without a listener would end the process.
    worker.on('error', () => {
      if (this.worker === started) this.worker = undefined;
    });
    worker.on('exit', (code) => worker.emit('error', new Error(`The password strength thread exited: ${code}`)));
    return started;
  }

  private async stop(): Promise<void> {
    clearTimeout(this.idle);
    const worker = await this.worker?.catch(() => undefined);
    this.worker = undefined;
    await worker?.terminate();
  }
}
