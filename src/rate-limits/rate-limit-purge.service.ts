import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import { DatabaseClock } from '../database/database-clock.js';
import { ACCOUNT_POLICY } from './throttle.js';

const INTERVAL_MS = 60_000;
const BATCH = 1000;
/** How long failures are remembered after the last attempt, unless no password is accepted any more. */
const THROTTLE_TTL_MS = 30 * 86_400_000;

type Table = 'rate_limits' | 'password_throttles';

/**
 * Deletes counters that are over, and bounds the number of rows: an attacker can invent addresses and accounts. Beyond the
 * bound go the windows that end first, and the accounts with the fewest failures, of which the oldest first: an account
 * under attack has more failures than invented ones. Runs once a minute, and when a twentieth of the bound was written.
 */
@Injectable()
export class RateLimitPurge implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(RateLimitPurge.name);
  /** Rows that a table may have. */
  maxRows = 200_000;
  private readonly written: Record<Table, number> = { rate_limits: 0, password_throttles: 0 };
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private isWanted = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly databaseClock: DatabaseClock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.request(), INTERVAL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopped = true;
    await this.running;
  }

  /** Each process counts its own rows, so the bound of a table is exceeded by a twentieth for each process. */
  noteWritten(table: Table, keys: number): void {
    this.written[table] += keys;
    if (this.written[table] >= this.maxRows / 20) this.request();
  }

  /** Deletes everything that may be deleted now. Waits for a run that has begun. */
  run(): Promise<void> {
    const run = this.running.then(() => this.purge());
    this.running = run.catch(() => {});
    return run;
  }

  /** Resolves when the runs that were requested until now have ended. */
  whenIdle(): Promise<void> {
    return this.running;
  }

  private request(): void {
    if (this.isWanted || this.stopped) return;
    this.isWanted = true;
    this.run().catch((error: unknown) => {
      this.logger.warn(`Could not purge the rate limits; trying again: ${(error as Error).message}`);
    });
  }

  private async purge(): Promise<void> {
    this.isWanted = false;
    this.written.rate_limits = 0;
    this.written.password_throttles = 0;
    const now = this.clock.now();
    // A process whose clock is ahead would forget failures.
    if ((await this.databaseClock.whyNotAgreed()) === null) {
      await this.deleteAll('rate_limits', 'WHERE expires_at <= $1::bigint', [now]);
      const isOver = `WHERE failures < ${ACCOUNT_POLICY.stopAt} AND last_attempt_at <= $1::bigint`;
      await this.deleteAll('password_throttles', isOver, [now - THROTTLE_TTL_MS]);
    }
    await this.deleteBeyondBound('rate_limits', 'ORDER BY expires_at');
    await this.deleteBeyondBound('password_throttles', 'ORDER BY failures, last_attempt_at');
  }

  private async deleteBeyondBound(table: Table, order: string): Promise<void> {
    while (!this.stopped) {
      // Counted for each batch: another process may be deleting the same surplus.
      const [row] = await this.database.read<{ count: number }>(`SELECT count(*) AS count FROM ${table}`);
      const surplus = Number(row!.count) - this.maxRows;
      if (surplus <= 0) return;
      await this.delete(table, order, Math.min(surplus, BATCH), []);
    }
  }

  private async deleteAll(table: Table, where: string, parameters: number[]): Promise<void> {
    while (!this.stopped) {
      const deleted = await this.delete(table, where, BATCH, parameters);
      if (deleted < BATCH) return;
    }
  }

  private async delete(table: Table, which: string, limit: number, parameters: number[]): Promise<number> {
    const deleted = await this.database.write(
      `DELETE FROM ${table} WHERE key IN (
         SELECT key FROM ${table} ${which} LIMIT ${limit} FOR UPDATE SKIP LOCKED
       ) RETURNING key`,
      parameters,
    );
    return deleted.length;
  }
}
