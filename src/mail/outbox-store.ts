import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import { SecretBox } from '../key-store/secret-box.js';
import { backOffMs } from './back-off.js';
import type { OutboxEntry } from './mail.js';
import { labelOf } from './outbox.js';
import type { OutboxState } from './outbox-row.entity.js';
import type { MailBudget } from './templates.js';

/** Longer than a mail may take (`smtp-sender.ts`). After a crash, other processes take the entry this much later. */
export const LEASE_MS = 30_000;

const DAY_MS = 86_400_000;
const KEPT_MS = { sent: 7 * DAY_MS, dropped: 7 * DAY_MS, dead: 30 * DAY_MS };

/** An entry that this process may send until its lease is over. */
export interface Claim {
  id: string;
  kind: string;
  recipient: string;
  domain: string;
  createdAt: number;
  giveUpAt: number;
  /** Of this attempt: the first is 1. */
  attempts: number;
  /** Whether an earlier attempt was counted for the budgets. */
  isBudgeted: boolean;
  /** When it was claimed: the time of all decisions about it. */
  now: number;
  /** Decrypts the payload. Throws `CannotOpenError`. */
  open: () => OutboxEntry;
}

interface Row {
  id: string;
  kind: string;
  recipient: string;
  domain: string;
  payload: string | null;
  attempts: number;
  give_up_at: number;
  budgeted_at: number | null;
  created_at: number;
}

/** The statements of the outbox. Those that end an attempt change nothing when another process has claimed the row since. */
@Injectable()
export class OutboxStore {
  constructor(
    private readonly database: Database,
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {}

  transaction<T>(work: (transaction: Statements) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  /** Claims the entry that is due for the longest, and counts the attempt; null if none is due. */
  async claim(): Promise<Claim | null> {
    const now = this.clock.now();
    const [row] = await this.database.write<Row>(
      `WITH due AS MATERIALIZED (
         SELECT id FROM outbox WHERE state = 'pending' AND next_attempt_at <= $1::bigint
         ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
       )
       UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2::bigint
       WHERE id IN (SELECT id FROM due)
       RETURNING id, kind, recipient, domain, payload, attempts, give_up_at, budgeted_at, created_at`,
      [now, now + LEASE_MS],
    );
    return row ? this.toClaim(row, now) : null;
  }

  /** Renews the lease, and counts the mail for its budget unless an earlier attempt was. False if the claim is lost. */
  async countFor(budget: MailBudget, claim: Claim, mailbox: string, on: Statements): Promise<boolean> {
    const counted = await on.write(
      `UPDATE outbox SET budget = $3, mailbox = $4, budgeted_at = COALESCE(budgeted_at, $5::bigint),
         next_attempt_at = $6::bigint
       WHERE id = $1::uuid AND state = 'pending' AND attempts = $2::integer RETURNING id`,
      [claim.id, claim.attempts, budget, mailbox, claim.now, this.clock.now() + LEASE_MS],
    );
    return counted.length > 0;
  }

  /** Unconditional: the mail is with the SMTP server, whoever holds the row now. */
  async markSent({ id }: Claim): Promise<void> {
    const now = this.clock.now();
    await this.database.write(
      `UPDATE outbox SET state = 'sent', payload = NULL, last_error = NULL, done_at = $2::bigint, purge_at = $3::bigint
       WHERE id = $1::uuid`,
      [id, now, now + KEPT_MS.sent],
    );
  }

  /** Ends an entry that is not sent. A dead one keeps its encrypted payload: an operator may retry it. */
  async end(state: 'dropped' | 'dead', claim: Claim, error: string | null): Promise<void> {
    const now = this.clock.now();
    await this.database.write(
      `UPDATE outbox SET state = $3, done_at = $4::bigint, purge_at = $5::bigint, last_error = $6
         ${state === 'dropped' ? ', payload = NULL' : ''}
       WHERE id = $1::uuid AND state = 'pending' AND attempts = $2::integer`,
      [claim.id, claim.attempts, state, now, now + KEPT_MS[state], error],
    );
  }

  /** Waits for the back-off, and not before a time. */
  async postpone(claim: Claim, error: string | null, notBefore: number = 0): Promise<void> {
    const delay = backOffMs(claim.attempts, randomInt(1001) / 1000);
    await this.scheduleAt(Math.max(this.clock.now() + delay, notBefore), claim, error);
  }

  /** Gives the entry back, for the next process. */
  release(claim: Claim): Promise<void> {
    return this.scheduleAt(this.clock.now(), claim, null);
  }

  /** Number and age of the entries in a state. */
  async count(): Promise<{ state: OutboxState; n: number; oldest: number }[]> {
    return this.database.read(
      `SELECT state, count(*) AS n, min(created_at) AS oldest FROM outbox WHERE state IN ('pending', 'dead') GROUP BY state`,
    );
  }

  private async scheduleAt(at: number, claim: Claim, error: string | null): Promise<void> {
    await this.database.write(
      `UPDATE outbox SET next_attempt_at = $3::bigint, last_error = $4
       WHERE id = $1::uuid AND state = 'pending' AND attempts = $2::integer`,
      [claim.id, claim.attempts, at, error],
    );
  }

  private toClaim({ id, kind, recipient, domain, payload, ...row }: Row, now: number): Claim {
    const open = () => {
      const text = payload === null ? '{}' : this.box.open(payload, labelOf(id)).toString();
      return { id, kind, recipient, createdAt: row.created_at, payload: JSON.parse(text) as Record<string, unknown> };
    };
    const { attempts, created_at: createdAt, give_up_at: giveUpAt } = row;
    return {
      id,
      kind,
      recipient,
      domain,
      attempts,
      createdAt,
      giveUpAt,
      isBudgeted: row.budgeted_at !== null,
      now,
      open,
    };
  }
}
