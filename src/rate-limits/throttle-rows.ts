import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { Batcher } from '../database/batcher.js';
import { TIMEOUTS } from '../database/connection-options.js';
import { Database, type Statements } from '../database/database.js';
import { Problem } from '../problem/problem.js';
import { RateLimitPurge } from './rate-limit-purge.service.js';
import { ACCOUNT_POLICY, type ThrottleState } from './throttle.js';

interface Row {
  key: string;
  failures: number;
  last_attempt_at: number;
}

type Failure = ThrottleState & { id: number; key: string };

const COLUMNS = { key: 'text', failures: 'integer', last_attempt_at: 'bigint' } as const;
const BATCHES = {
  isRetriedOneByOne: () => false,
  maxWait: { ms: TIMEOUTS.connect, error: () => new Problem('database_unavailable') },
};

/**
 * The statements of the table `password_throttles`. What a flood of sign-ins causes is batched: it must leave connections of
 * the database to others.
 */
@Injectable()
export class ThrottleRows {
  private count = 0;
  private readonly fewAtOnce = pLimit(2);
  private readonly reads = new Batcher({ ...BATCHES, keyOf: String, run: (keys: string[]) => this.readBatch(keys) });
  private readonly failures = new Batcher({
    ...BATCHES,
    keyOf: ({ id }) => String(id),
    run: (batch: Failure[]) => this.storeBatch(batch),
  });

  constructor(
    private readonly database: Database,
    private readonly purge: RateLimitPurge,
  ) {}

  /** Null without failures. */
  find(key: string): Promise<ThrottleState | null> {
    return this.reads.submit(key);
  }

  /**
   * Stores a state that counts one more failure. The number stays at the stop, beyond which only the time changes. False when
   * another attempt was counted first.
   */
  storeFailure(key: string, counted: ThrottleState): Promise<boolean> {
    this.count += 1;
    return this.failures.submit({ id: this.count, key, ...counted });
  }

  /** Takes back one failure. The time of the last attempt too, where no other attempt came after it. */
  async takeBack(key: string, before: ThrottleState | null, counted: ThrottleState): Promise<void> {
    await this.fewAtOnce(() =>
      this.database.write(
        `UPDATE password_throttles SET failures = failures - 1, last_attempt_at =
           CASE WHEN last_attempt_at = $2::bigint THEN $3::bigint ELSE last_attempt_at END
         WHERE key = $1 AND failures > 0`,
        [key, counted.lastAttemptAt, before?.lastAttemptAt ?? counted.lastAttemptAt],
      ),
    );
  }

  async deleteMany(keys: string[], on: Statements = this.database): Promise<void> {
    await on.write(`DELETE FROM password_throttles WHERE key IN ${this.database.table('$1', { key: 'text' })}`, [
      JSON.stringify(keys.map((key) => ({ key }))),
    ]);
  }

  private async readBatch(keys: string[]): Promise<(ThrottleState | null)[]> {
    const rows = await this.database.read<Row>(
      `SELECT t.key, t.failures, t.last_attempt_at FROM ${this.database.table('$1', { wanted: 'text' })} AS w
       JOIN password_throttles t ON t.key = w.wanted`,
      [JSON.stringify(keys.map((wanted) => ({ wanted })))],
    );
    const byKey = new Map(rows.map((row) => [row.key, row]));
    return keys.map((key) => {
      const row = byKey.get(key);
      return row ? { failures: row.failures, lastAttemptAt: row.last_attempt_at } : null;
    });
  }

  /** Of several attempts with one key the first is counted: the others read again. Rows are locked in one order. */
  private async storeBatch(batch: Failure[]): Promise<boolean[]> {
    const first = new Map(batch.toReversed().map((failure) => [failure.key, failure]));
    const rows = [...first.values()].map(({ key, failures, lastAttemptAt }) => ({
      key,
      failures,
      last_attempt_at: lastAttemptAt,
    }));
    const stored = await this.database.write<Pick<Row, 'key' | 'failures'>>(
      `INSERT INTO password_throttles (key, failures, last_attempt_at)
       SELECT v.key, v.failures, v.last_attempt_at FROM ${this.database.table('$1', COLUMNS)} AS v WHERE true ORDER BY v.key
       ON CONFLICT (key) DO UPDATE SET last_attempt_at = excluded.last_attempt_at,
         failures = CASE WHEN excluded.failures > ${ACCOUNT_POLICY.stopAt} THEN ${ACCOUNT_POLICY.stopAt} ELSE excluded.failures END
       WHERE password_throttles.failures = excluded.failures - 1
       RETURNING key, failures`,
      [JSON.stringify(rows)],
    );
    this.purge.noteWritten('password_throttles', stored.filter(({ failures }) => failures === 1).length);
    const keys = new Set(stored.map(({ key }) => key));
    return batch.map((failure) => first.get(failure.key) === failure && keys.has(failure.key));
  }
}
