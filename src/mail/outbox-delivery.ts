import { Injectable } from '@nestjs/common';
import { databaseProblem } from '../database/database-errors.js';
import type { Statements } from '../database/database.js';
import type { Mail, RenderedMail } from './mail.js';
import { MailBudgets, type BudgetDecision } from './mail-budgets.js';
import { MailRenderer } from './mail-renderer.js';
import { MailSender } from './mail-sender.js';
import { domainOf, mailboxOf } from './mailbox.js';
import { Outbox } from './outbox.js';
import { OutboxStore, type Claim } from './outbox-store.js';
import { TEMPLATES } from './templates.js';

/**
 * How an attempt went. `skipped`: there was nothing to send. `dropped` and `postponed`: by a budget. `failed`: it is tried
 * again. `lost`: another process has the entry by now. `released`: this process stops.
 */
export type DeliveryOutcome = 'sent' | 'skipped' | 'dropped' | 'postponed' | 'failed' | 'dead' | 'lost' | 'released';

export interface Delivery {
  outcome: DeliveryOutcome;
  claim: Claim;
  /** Short, for the log and the row. */
  error: string | null;
  /** A bug of the feature or of a template. */
  bug?: unknown;
}

type Prepared =
  BudgetDecision | { outcome: 'skipped' } | { outcome: 'lost' } | { outcome: 'ready'; mail: RenderedMail };

/** Sends one entry of the outbox, from the claim to its end. */
@Injectable()
export class OutboxDelivery {
  constructor(
    private readonly outbox: Outbox,
    private readonly store: OutboxStore,
    private readonly budgets: MailBudgets,
    private readonly renderer: MailRenderer,
    private readonly sender: MailSender,
  ) {}

  /** Null when nothing is due. Rejects where the database is away: the lease then returns the entry. */
  async deliverNext(stop: AbortSignal): Promise<Delivery | null> {
    const claim = await this.store.claim();
    if (!claim) return null;
    const early = claim.isBudgeted ? null : await this.budgets.decideEarly(claim.domain, claim.now);
    if (early && early.outcome !== 'granted') return this.refuse(claim, early);
    let prepared: Prepared;
    try {
      prepared = await this.store.transaction((transaction) => this.prepare(claim, transaction));
    } catch (bug) {
      if (databaseProblem(bug)) throw bug;
      return { ...(await this.fail(claim, `compose: ${(bug as Error).name}`, false)), bug };
    }
    if (prepared.outcome === 'ready') return this.send(claim, prepared.mail, stop);
    if (prepared.outcome === 'skipped') await this.store.end('dropped', claim, null);
    if (prepared.outcome === 'skipped' || prepared.outcome === 'lost')
      return { outcome: prepared.outcome, claim, error: null };
    return this.refuse(claim, prepared);
  }

  /** Where the mail is not sent after all, what composing it has changed is undone: it may have replaced older tokens. */
  private async prepare(claim: Claim, transaction: Statements): Promise<Prepared> {
    const compose = this.outbox.composerOf(claim.kind);
    if (!compose) throw new UnknownKindError(`This process knows no kind of mail ${claim.kind}`);
    await transaction.write('SAVEPOINT composed');
    const mail = await compose(claim.open(), transaction);
    if (!mail) return { outcome: 'skipped' };
    const rendered = { id: claim.id, to: mail.to, ...this.renderer.render(mail) };
    const decision = await this.count(claim, mail, transaction);
    if (decision.outcome === 'granted') return { outcome: 'ready', mail: rendered };
    await transaction.write('ROLLBACK TO SAVEPOINT composed');
    return decision;
  }

  private async count(
    claim: Claim,
    mail: Mail,
    transaction: Statements,
  ): Promise<BudgetDecision | { outcome: 'lost' }> {
    const mailbox = mailboxOf(mail.to);
    const { budget } = TEMPLATES[mail.template];
    if (!claim.isBudgeted) {
      const decision = await this.budgets.decide(mailbox, domainOf(mailbox), budget, claim.now, transaction);
      if (decision.outcome !== 'granted') return decision;
    }
    const isMine = await this.store.countFor(budget, claim, mailbox, transaction);
    return { outcome: isMine ? 'granted' : 'lost' };
  }

  private async send(claim: Claim, mail: RenderedMail, stop: AbortSignal): Promise<Delivery> {
    const result = await this.sender.send(mail, stop);
    if (result.isSent) {
      await this.store.markSent(claim);
      return { outcome: 'sent', claim, error: null };
    }
    if (!stop.aborted) return this.fail(claim, result.error, result.isPermanent);
    await this.store.release(claim);
    return { outcome: 'released', claim, error: null };
  }

  private async fail(claim: Claim, error: string, isPermanent: boolean): Promise<Delivery> {
    const isDead = isPermanent || claim.now >= claim.giveUpAt;
    await (isDead ? this.store.end('dead', claim, error) : this.store.postpone(claim, error));
    return { outcome: isDead ? 'dead' : 'failed', claim, error };
  }

  private async refuse(claim: Claim, decision: BudgetDecision): Promise<Delivery> {
    const waits = decision.outcome === 'postponed' && claim.now < claim.giveUpAt;
    if (waits) await this.store.postpone(claim, 'budget', decision.until);
    else await this.store.end('dropped', claim, 'budget');
    return { outcome: waits ? 'postponed' : 'dropped', claim, error: 'budget' };
  }
}

/** During an update, another process may know it. */
class UnknownKindError extends Error {
  override name = 'UnknownKindError';
}
