import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';

/** Deletes security events whose retention (AUDIT_RETENTION) has ended. `PurgeService` runs it. */
@Injectable()
export class EventRetention {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Deletes a batch, and passes over what another process is deleting. A trigger refuses each row that is younger than
   * `security_events_purge` says: that table has a row only inside this transaction, so nothing else can delete events.
   *
   * @returns how many were deleted
   */
  async deleteBatch(size: number): Promise<number> {
    const until = this.clock.now() - this.config.auditRetentionMs;
    const ended = `FROM security_events WHERE id < $1::uuid`;
    // Most of the time there are none: then nothing waits for the one writer of SQLite.
    const [any] = await this.database.read(`SELECT id ${ended} LIMIT 1`, [firstIdAfter(until)]);
    if (!any) return 0;
    return this.database.transaction(async (transaction) => {
      await transaction.write('INSERT INTO security_events_purge (until) VALUES ($1::bigint)', [until]);
      const deleted = await transaction.write(
        `DELETE FROM security_events WHERE id IN (
           SELECT id ${ended} ORDER BY id LIMIT ${size} FOR UPDATE SKIP LOCKED
         ) RETURNING id`,
        [firstIdAfter(until)],
      );
      await transaction.write('DELETE FROM security_events_purge WHERE true');
      return deleted.length;
    });
  }
}

/** The smallest UUID v7 of the next millisecond: ids are as old as their events. */
function firstIdAfter(time: number): string {
  const hex = Math.max(0, time + 1)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
