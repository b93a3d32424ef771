import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { MailBudget } from './templates.js';

/** `dropped`: there was nothing to send, or the mailbox had enough. `dead`: not deliverable; an operator may retry it. */
export type OutboxState = 'pending' | 'sent' | 'dropped' | 'dead';

/** A mail to send: written in the transaction of what happened, sent by one of the processes afterwards. */
@Entity('outbox')
@Index('outbox_kind_event', ['kind', 'event'], { unique: true })
@Index('outbox_due', ['state', 'nextAttemptAt'])
@Index('outbox_mailbox', ['mailbox', 'budget', 'budgetedAt'])
@Index('outbox_domain', ['domain', 'budgetedAt'])
export class OutboxRow {
  /** UUID v7: sorted by age. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'outbox_pk' })
  id: string;

  @Column({ type: 'varchar', length: 64 })
  kind: string;

  @Column({ type: 'varchar', length: 255 })
  event: string;

  @Column({ type: 'varchar', length: 320 })
  recipient: string;

  /** The recipient in lower case: its budgets count every spelling. */
  @Column({ type: 'varchar', length: 320 })
  mailbox: string;

  @Column({ type: 'varchar', length: 320 })
  domain: string;

  /** JSON, encrypted for this row; null once it is sent or dropped. A dead entry keeps it, for a retry. */
  @Column({ type: 'text', nullable: true })
  payload: string | null;

  @Column({ type: 'varchar', length: 8 })
  state: OutboxState;

  /** Also tells claims apart: who holds the row as of an earlier attempt may not change it. */
  @Column({ type: 'integer' })
  attempts: number;

  /** Until then another process leaves it alone, or it waits for its next attempt. */
  @Column({ name: 'next_attempt_at', type: 'bigint' })
  nextAttemptAt: number;

  @Column({ name: 'give_up_at', type: 'bigint' })
  giveUpAt: number;

  /** What it was counted for, and when: `mail-budgets.ts`. */
  @Column({ type: 'varchar', length: 16, nullable: true })
  budget: MailBudget | null;

  @Index('outbox_budgeted_at')
  @Column({ name: 'budgeted_at', type: 'bigint', nullable: true })
  budgetedAt: number | null;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;

  @Column({ name: 'done_at', type: 'bigint', nullable: true })
  doneAt: number | null;

  /** When the row may be deleted. */
  @Index('outbox_purge_at')
  @Column({ name: 'purge_at', type: 'bigint', nullable: true })
  purgeAt: number | null;

  /** No address and no text of a server. */
  @Column({ name: 'last_error', type: 'varchar', length: 100, nullable: true })
  lastError: string | null;
}
