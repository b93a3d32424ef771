import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Clock } from '../clock/clock.js';
import { Metrics } from '../metrics/metrics.js';
import { DatabaseClock } from '../database/database-clock.js';
import { Database } from '../database/database.js';

const INTERVAL_MS = 60_000;
const BATCH = 500;
const DAY_MS = 86_400_000;

/**
 * Deletes sessions that expired or were revoked before today, revocations that no unexpired access token needs, and mails
 * of the outbox that were sent or given up, in small batches that skip what another process is deleting. The bound: no more rows of sessions than are alive, plus those
 * that expired or were revoked in the last two days.
 */
@Injectable()
export class PurgeService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(PurgeService.name);
  private readonly purged: Counter<'table'>;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly databaseClock: DatabaseClock,
    metrics: Metrics,
  ) {
    this.purged = metrics.counter('latchkey_rows_purged_total', 'Rows deleted after they expired', ['table']);
    for (const table of ['sessions', 'revocations', 'outbox']) this.purged.inc({ table }, 0);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.running
        .then(() => this.runIfClocksAgree())
        .catch((error: unknown) => this.logger.warn(`Could not purge; trying again: ${(error as Error).message}`));
    }, INTERVAL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopped = true;
    await this.running;
  }

  /** A process whose clock is ahead would delete sessions that are alive: it deletes nothing. */
  async runIfClocksAgree(): Promise<void> {
    const why = await this.databaseClock.whyNotAgreed();
    if (why) this.logger.error(`Nothing is purged: ${why}`);
    else await this.run();
  }

  /** Deletes everything that may be deleted now. Resolves to the number of rows. */
  async run(): Promise<number> {
    const now = this.clock.now();
    const sessions = await this.deleteAll('sessions', 'id', 'purge_on <= $1::bigint', Math.floor(now / DAY_MS));
    const revocations = await this.deleteAll('revocations', 'subject', 'until <= $1::bigint', now);
    const mails = await this.deleteAll('outbox', 'id', 'purge_at <= $1::bigint', now);
    return sessions + revocations + mails;
  }

  private async deleteAll(table: string, key: string, isOver: string, bound: number): Promise<number> {
    for (let total = 0; ;) {
      const deleted = await this.database.write(
        `DELETE FROM ${table} WHERE ${key} IN (
           SELECT ${key} FROM ${table} WHERE ${isOver} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
         ) RETURNING ${key}`,
        [bound],
      );
      total += deleted.length;
      this.purged.inc({ table }, deleted.length);
      if (deleted.length < BATCH || this.stopped) return total;
    }
  }
}
