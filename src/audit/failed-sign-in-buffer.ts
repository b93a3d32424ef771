import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import { SecurityEvents } from './security-events.js';

const FLUSH_INTERVAL_MS = 1000;
/** Of accounts and addresses at once: a bound for a flood during an outage of the database. */
const MAX_BUFFERED = 2000;

interface FailedSignIn {
  userId: string;
  origin: RequestOrigin;
  attempts: number;
}

/**
 * Records `sign_in_failed` after the response, at most once a second: a write only for accounts that exist would tell, by
 * timing, which addresses have one (user enumeration). Failures of one second at one account from one address are one
 * event, so that a brute-force attack adds few rows. A crash loses the last second.
 */
@Injectable()
export class FailedSignInBuffer implements OnApplicationShutdown {
  private readonly logger = new Logger(FailedSignInBuffer.name);
  private buffered = new Map<string, FailedSignIn>();
  private dropped = 0;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly events: SecurityEvents,
    private readonly database: Database,
  ) {}

  add(userId: string, origin: RequestOrigin, attempts: number = 1): void {
    const key = `${userId} ${origin.ip}`;
    const same = this.buffered.get(key);
    if (same) same.attempts += attempts;
    else if (this.buffered.size < MAX_BUFFERED) this.buffered.set(key, { userId, origin, attempts });
    else this.dropped += attempts;
    this.scheduleFlush();
  }

  /** Writes everything buffered so far. What fails is buffered again. Never rejects. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush();
  }

  private scheduleFlush(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, FLUSH_INTERVAL_MS).unref();
  }

  private async write(): Promise<void> {
    if (this.buffered.size === 0) return;
    const { buffered, dropped } = this;
    this.buffered = new Map();
    this.dropped = 0;
    if (dropped > 0) this.logger.warn(`${dropped} failed sign-ins are not in the security events: there were too many`);
    const events = [...buffered.values()].map(({ userId, origin, attempts }) => ({
      type: 'sign_in_failed' as const,
      userId,
      origin,
      details: { attempts },
    }));
    try {
      await this.events.recordAll(events, this.database);
    } catch (error) {
      this.logger.warn(`Could not record failed sign-ins; trying again: ${(error as Error).message}`);
      this.restore(buffered);
    }
  }

  private restore(buffered: Map<string, FailedSignIn>): void {
    const later = this.buffered;
    this.buffered = buffered;
    for (const { userId, origin, attempts } of later.values()) this.add(userId, origin, attempts);
    this.scheduleFlush();
  }
}
