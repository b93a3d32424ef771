import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { EventRetention } from '../audit/event-retention.js';
import { Clock } from '../clock/clock.js';
import { Metrics } from '../metrics/metrics.js';
import { DatabaseClock } from '../database/database-clock.js';
import { Database } from '../database/database.js';

const INTERVAL_MS = 60_000;
const BATCH = 500;
const DAY_MS = 86_400_000;

/** Rows that are over. `$1` is the time in milliseconds since the epoch. */
const EXPIRED = [
  // Of sessions that expired or were revoked before today.
  { table: 'sessions', key: 'id', condition: `purge_on <= $1::bigint / ${DAY_MS}` },
  // That no unexpired access token needs.
  { table: 'revocations', key: 'subject', condition: 'until <= $1::bigint' },
  { table: 'one_time_tokens', key: 'token_hash', condition: 'expires_at <= $1::bigint' },
  // That were sent or given up.
  { table: 'outbox', key: 'id', condition: 'purge_at <= $1::bigint' },
];
const EVENTS = 'security_events';

/**
 * Deletes expired rows and security events whose retention has ended, in small batches that skip what another process is
 * deleting. The bound: no more rows of sessions than are alive, plus those that expired or were revoked in the last two days.
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
    private readonly eventRetention: EventRetention,
    metrics: Metrics,
  ) {
    this.purged = metrics.counter('latchkey_rows_purged_total', 'Rows deleted after they expired', ['table']);
    for (const table of [...EXPIRED.map((expired) => expired.table), EVENTS]) this.purged.inc({ table }, 0);
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
    let total = await this.inBatches(EVENTS, () => this.eventRetention.deleteBatch(BATCH));
    for (const { table, key, condition } of EXPIRED) {
      const sql = `DELETE FROM ${table} WHERE ${key} IN (
        SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
      ) RETURNING ${key}`;
      total += await this.inBatches(table, async () => (await this.database.write(sql, [this.clock.now()])).length);
    }
    return total;
  }

  private async inBatches(table: string, deleteBatch: () => Promise<number>): Promise<number> {
    for (let total = 0; ;) {
      const deleted = await deleteBatch();
      total += deleted;
      this.purged.inc({ table }, deleted);
      if (deleted < BATCH || this.stopped) return total;
    }
  }
}
