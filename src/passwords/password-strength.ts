import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BoundedQueue } from './bounded-queue.js';
import { HashingQueue } from './hashing-queue.js';
import { ownWords, type PersonalWords } from './password-policy.js';

const THREAD = new URL('strength.worker.js', import.meta.url);
const IDLE_MS = 60_000;

/**
 * How hard a new password is to guess, by `zxcvbn` with its lists of common passwords, English words and names, and the
 * person's own words (OWASP ASVS 5.0 6.2.4, 6.2.11). In a thread of its own, off the event loop, which starts when it is
 * needed and goes, with the memory that its lists take, when it is not.
 */
@Injectable()
export class PasswordStrength implements OnApplicationShutdown {
  readonly queue = new BoundedQueue('hashing_busy', 1);
  private worker: Promise<Worker> | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly hashing: HashingQueue) {}

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Why it is too easy to guess, in a sentence; null when it is not. Throws `hashing_busy`. */
  async whyWeak(password: string, words: PersonalWords): Promise<string | null> {
    const task = { password, ownWords: [...ownWords(words).keys()] };
    // A start takes longer than many answers: it says nothing about how long the next will have to wait.
    await this.started();
    return this.queue.inTurn(() => this.hashing.inTurn(() => this.ask(task)));
  }

  /** One at a time: the next message is the answer. A thread that dies fails one task; the next starts another. */
  private async ask(task: object): Promise<string | null> {
    clearTimeout(this.idle);
    const worker = await this.started();
    try {
      worker.postMessage(task);
      const [answer] = (await once(worker, 'message')) as [string | null];
      return answer;
    } finally {
      this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    }
  }

  /** The thread, once its first message says that it is there. */
  private started(): Promise<Worker> {
    return (this.worker ??= this.start());
  }

  private start(): Promise<Worker> {
    const worker = new Worker(THREAD);
    worker.unref();
    const started = once(worker, 'message').then(() => worker);
    // Heard also while nobody waits for an answer: else it would end the process.
    worker.on('error', () => {
      if (this.worker === started) this.worker = undefined;
    });
    worker.on('exit', (code) => worker.emit('error', new Error(`The thread that judges passwords ended: ${code}`)));
    return started;
  }

  private async stop(): Promise<void> {
    clearTimeout(this.idle);
    const worker = await this.worker?.catch(() => undefined);
    this.worker = undefined;
    await worker?.terminate();
  }
}
