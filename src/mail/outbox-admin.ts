import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from '../database/database.js';
import { maskAddress } from './mailbox.js';
import { GIVE_UP_AFTER_MS } from './outbox.js';
import type { OutboxState } from './outbox-row.entity.js';

/** An entry as operators see it. */
export interface ListedEntry {
  id: string;
  kind: string;
  state: OutboxState;
  /** `a…@example.com`. */
  recipient: string;
  attempts: number;
  lastError: string | null;
  ageSeconds: number;
}

interface Row {
  id: string;
  kind: string;
  state: OutboxState;
  recipient: string;
  attempts: number;
  last_error: string | null;
  created_at: number;
}

/** What operators do with the outbox: `npm run outbox`. */
@Injectable()
export class OutboxAdmin {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Dead entries and those that wait, oldest first. */
  async list(): Promise<ListedEntry[]> {
    const now = this.clock.now();
    const rows = await this.database.read<Row>(
      `SELECT id, kind, state, recipient, attempts, last_error, created_at FROM outbox
       WHERE state IN ('pending', 'dead') ORDER BY created_at, id`,
    );
    return rows.map(({ id, kind, state, recipient, attempts, last_error: lastError, created_at }) => {
      const ageSeconds = Math.max(0, Math.round((now - created_at) / 1000));
      return { id, kind, state, recipient: maskAddress(recipient), attempts, lastError, ageSeconds };
    });
  }

  /** Makes dead entries due again, for another day: one, or all (null). Resolves to their ids. */
  async retry(id: string | null): Promise<string[]> {
    const now = this.clock.now();
    const rows = await this.database.write<{ id: string }>(
      `UPDATE outbox SET state = 'pending', attempts = 0, next_attempt_at = $1::bigint, give_up_at = $2::bigint,
         done_at = NULL, purge_at = NULL, last_error = NULL
       WHERE state = 'dead' ${id === null ? '' : 'AND id = $3::uuid'} RETURNING id`,
      [now, now + GIVE_UP_AFTER_MS, ...(id === null ? [] : [id])],
    );
    return rows.map((row) => row.id).sort();
  }
}
