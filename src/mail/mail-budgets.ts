import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database, type Parameter, type Statements } from '../database/database.js';
import type { MailBudget } from './templates.js';

export const WINDOW_MS = 3_600_000;

/** When each budget has room again, in milliseconds since the epoch; null where it has room now. */
export interface Exhausted {
  mailbox: number | null;
  domain: number | null;
  total: number | null;
}

export type BudgetDecision = { outcome: 'granted' } | { outcome: 'dropped' } | { outcome: 'postponed'; until: number };

/** Anybody can register invented addresses: that must leave room for mails to those who have an account. */
const REGISTRATION_SHARE = 0.5;

/**
 * A mailbox that had its share is spared: it has valid mails already. Where the domain or all of us had theirs, the mail
 * waits: otherwise whoever causes many mails could keep those of others from being sent.
 */
export function decide({ mailbox, domain, total }: Exhausted): BudgetDecision {
  if (mailbox !== null) return { outcome: 'dropped' };
  const until = Math.max(domain ?? 0, total ?? 0);
  return until > 0 ? { outcome: 'postponed', until } : { outcome: 'granted' };
}

/** Bounds the mails of an hour, so that nobody uses this server to bomb a mailbox. All processes count the same rows. */
@Injectable()
export class MailBudgets {
  constructor(
    private readonly config: Config,
    private readonly database: Database,
  ) {}

  /** Whether the domain, or all of us, had their share: read before anything is done for a mail. */
  async decideEarly(domain: string, now: number): Promise<BudgetDecision> {
    return decide({ mailbox: null, ...(await this.shared(domain, 1, now, this.database)) });
  }

  /**
   * Decides for a mail. Until the transaction ends no other process decides, so that none grants the last one twice: the
   * caller counts a granted mail in the same transaction.
   */
  async decide(mailbox: string, domain: string, budget: MailBudget, now: number, on: Statements) {
    // SQLite has one writer.
    if (this.database.kind === 'postgres') await on.write(LOCK);
    const own = await this.exhausted(
      'mailbox = $3 AND budget = $4',
      [mailbox, budget],
      this.config.mailRecipientLimit,
      now,
      on,
    );
    const share = budget === 'registration' ? REGISTRATION_SHARE : 1;
    return decide({ mailbox: own, ...(await this.shared(domain, share, now, on)) });
  }

  /** @param share of the limits, over 0 and up to 1 */
  private async shared(
    domain: string,
    share: number,
    now: number,
    on: Statements,
  ): Promise<Omit<Exhausted, 'mailbox'>> {
    const { mailDomainLimit, mailTotalLimit } = this.config;
    return {
      domain: await this.exhausted('domain = $3', [domain], Math.ceil(mailDomainLimit * share), now, on),
      total: await this.exhausted('true', [], Math.ceil(mailTotalLimit * share), now, on),
    };
  }

  /** The oldest of the last `limit` mails of the window leaves room when it is an hour old. */
  private async exhausted(where: string, of: Parameter[], limit: number, now: number, on: Statements) {
    const [row] = await on.read<{ at: number }>(
      `SELECT budgeted_at AS at FROM outbox WHERE budgeted_at > $1::bigint AND ${where}
       ORDER BY budgeted_at DESC LIMIT 1 OFFSET $2::integer`,
      [now - WINDOW_MS, limit - 1, ...of],
    );
    return row ? row.at + WINDOW_MS : null;
  }
}

/** The key of the advisory lock: any number that no other program uses. */
const LOCK = 'SELECT pg_advisory_xact_lock(1904377215)';
