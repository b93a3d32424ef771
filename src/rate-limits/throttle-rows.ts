import { Injectable } from '@nestjs/common';
import { Database, type Statements } from '../database/database.js';
import { RateLimitPurge } from './rate-limit-purge.service.js';
import type { ThrottleState } from './throttle.js';

interface Row {
  key: string;
  failures: number;
  last_attempt_at: number;
}

/** The statements of the table `password_throttles`. */
@Injectable()
export class ThrottleRows {
  constructor(
    private readonly database: Database,
    private readonly purge: RateLimitPurge,
  ) {}

  /** The states of these keys. Keys without failures are left out. */
  async findMany(keys: string[]): Promise<Map<string, ThrottleState>> {
    const rows = await this.database.read<Row>(
      `SELECT t.key, t.failures, t.last_attempt_at FROM ${this.database.table('$1', { wanted: 'text' })} AS w
       JOIN password_throttles t ON t.key = w.wanted`,
      [JSON.stringify(keys.map((wanted) => ({ wanted })))],
    );
    return new Map(
      rows.map((row) => [row.key, { failures: row.failures, lastAttemptAt: row.last_attempt_at }] as const),
    );
  }

  /** Stores a state unless another attempt changed it since it was `expected`. False when one did. */
  async replace(key: string, expected: ThrottleState | null, next: ThrottleState): Promise<boolean> {
    const stored = await this.database.write(
      `INSERT INTO password_throttles (key, failures, last_attempt_at) VALUES ($1, $2::integer, $3::bigint)
       ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, last_attempt_at = excluded.last_attempt_at
       WHERE password_throttles.failures = $4::integer AND password_throttles.last_attempt_at = $5::bigint
       RETURNING key`,
      [key, next.failures, next.lastAttemptAt, expected?.failures ?? null, expected?.lastAttemptAt ?? null],
    );
    if (!expected) this.purge.noteWritten('password_throttles', stored.length);
    return stored.length === 1;
  }

  /** Takes back one failure. The time of the last attempt too, where no other attempt came after it. */
  async takeBack(key: string, before: ThrottleState | null, counted: ThrottleState): Promise<void> {
    await this.database.write(
      `UPDATE password_throttles SET failures = failures - 1, last_attempt_at =
         CASE WHEN last_attempt_at = $2::bigint THEN $3::bigint ELSE last_attempt_at END
       WHERE key = $1 AND failures > 0`,
      [key, counted.lastAttemptAt, before?.lastAttemptAt ?? counted.lastAttemptAt],
    );
  }

  async deleteMany(keys: string[], on: Statements = this.database): Promise<void> {
    await on.write(`DELETE FROM password_throttles WHERE key IN ${this.database.table('$1', { key: 'text' })}`, [
      JSON.stringify(keys.map((key) => ({ key }))),
    ]);
  }
}
