import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import type { Statements } from '../database/database.js';
import { SecretBox } from '../key-store/secret-box.js';
import type { Mail, NewMail, OutboxEntry } from './mail.js';
import { domainOf, mailboxOf } from './mailbox.js';

/** Makes the mail of an entry, in a transaction of its own; null: nothing is to be sent. Runs again at each attempt. */
export type Compose = (entry: OutboxEntry, transaction: Statements) => Promise<Mail | null>;

/** How long an entry is tried, in milliseconds. */
export const GIVE_UP_AFTER_MS = 86_400_000;

/** What `payload` of a row is encrypted for. */
export const labelOf = (id: string): string => `outbox ${id}`;

/**
 * Mail that features cause. An entry is written in the transaction of what happened, so that neither exists without the
 * other; the worker of one of the processes sends it afterwards (`outbox-worker.ts`).
 */
@Injectable()
export class Outbox {
  private readonly kinds = new Map<string, Compose>();
  private listener: (() => void) | undefined;

  constructor(
    private readonly box: SecretBox,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Whether mail is sent, or kept for `/dev/mail`. False in production without SMTP_URL: then `add` stores nothing. */
  get isAvailable(): boolean {
    return this.config.mailEnabled;
  }

  /** Says how the mails of a kind are made. Called once by the feature, when it is created. Throws for a second call. */
  define(kind: string, compose: Compose): void {
    if (this.kinds.has(kind)) throw new Error(`The kind of mail ${kind} is defined twice`);
    this.kinds.set(kind, compose);
  }

  composerOf(kind: string): Compose | undefined {
    return this.kinds.get(kind);
  }

  /**
   * Adds a mail: one INSERT, whether or not the recipient has an account. A second entry with the same kind and event is
   * ignored.
   *
   * @param on the transaction of what happened, after whose commit the mail is sent. Or `Database` itself.
   */
  async add({ kind, recipient, event, payload }: NewMail, on: Statements): Promise<void> {
    if (!this.kinds.has(kind)) throw new Error(`There is no kind of mail ${kind}`);
    if (!this.isAvailable) return;
    const now = this.clock.now();
    const id = uuidv7();
    const sealed = this.box.seal(Buffer.from(JSON.stringify(payload)), labelOf(id));
    const mailbox = mailboxOf(recipient);
    await on.write(
      `INSERT INTO outbox (id, kind, event, recipient, mailbox, domain, payload, state, attempts, next_attempt_at,
         give_up_at, created_at)
       VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, 'pending', 0, $8::bigint, $9::bigint, $8::bigint)
       ON CONFLICT (kind, event) DO NOTHING`,
      [id, kind, event, recipient, mailbox, domainOf(mailbox), sealed, now, now + GIVE_UP_AFTER_MS],
    );
    on.afterCommit(() => this.wake());
  }

  /** Deletes the entries of a mailbox that are done: for a user who deletes their account. */
  async forget(recipient: string, on: Statements): Promise<void> {
    const sql = `DELETE FROM outbox WHERE mailbox = $1 AND state <> 'pending' RETURNING id`;
    await on.write(sql, [mailboxOf(recipient)]);
  }

  /** Sends what is due now, instead of within a second. */
  wake(): void {
    this.listener?.();
  }

  /** For the worker. */
  onWake(listener: () => void): void {
    this.listener = listener;
  }
}
