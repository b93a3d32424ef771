import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Tinypool } from 'tinypool';
import { Problem } from '../common/problem/problem.js';
import { ownWords, type PersonalWords } from './password-policy.js';

const MAX_WAITING = 64;
const IDLE_MS = 60_000;

/**
 * How hard a new password is to guess, by `zxcvbn` with its lists of common passwords, English words and names, and the
 * person's own words (OWASP ASVS 5.0 6.2.4, 6.2.11). In a thread of its own, off the event loop, which starts when it is
 * needed and goes, with the 60 MB of its lists, when it is not.
 */
@Injectable()
export class PasswordStrength implements OnApplicationShutdown {
  private readonly thread = new Tinypool({
    filename: new URL('strength.worker.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
  });

  async onApplicationShutdown(): Promise<void> {
    await this.thread.destroy();
  }

  /** Why it is too easy to guess, as the end of a sentence; null when it is not. Throws `hashing_busy`. */
  async whyWeak(password: string, words: PersonalWords): Promise<string | null> {
    if (this.thread.queueSize >= MAX_WAITING) throw new Problem('hashing_busy');
    return (await this.thread.run({ password, ownWords: [...ownWords(words).keys()] })) as string | null;
  }
}
