import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { SecurityEvents, type NewSecurityEvent } from '../audit/security-events.js';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import type { Statements } from '../database/database.js';
import { appLink, type LinkAction } from '../mail/app-link.js';
import type { Mail, OutboxEntry } from '../mail/mail.js';
import { Outbox } from '../mail/outbox.js';
import type { TemplateName } from '../mail/templates.js';
import { newSecrets, type OneTimeSecrets } from '../one-time-tokens/one-time-secrets.js';
import type { OneTimeTokenKind } from '../one-time-tokens/one-time-token.entity.js';
import { OneTimeTokensService, type PendingRegistration } from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import type { EmailAddress } from '../users/email.js';
import type { User } from '../users/user.entity.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface TokenMailKind {
  template: TemplateName;
  action: LinkAction;
  lifetimeMs: number;
}

const KINDS: Record<Exclude<OneTimeTokenKind, 'undo_email_change'>, TokenMailKind> = {
  register: { template: 'verify-email', action: 'verify-email', lifetimeMs: DAY_MS },
  verify_email: { template: 'verify-email', action: 'verify-email', lifetimeMs: DAY_MS },
  reset_password: { template: 'reset-password', action: 'reset-password', lifetimeMs: HOUR_MS },
  change_email: { template: 'confirm-email-change', action: 'confirm-email', lifetimeMs: DAY_MS },
};

const UNDO_LIFETIME_MS = 7 * DAY_MS;

/** Who is written to. */
export type Addressee = Pick<User, 'email' | 'name' | 'locale'>;

/** What a token is for. */
interface TokenOwner {
  userId: string | null;
  email: EmailAddress;
  details?: PendingRegistration;
  /** Recorded when the token becomes valid. */
  event?: NewSecurityEvent;
}

/** What every entry of these kinds has in its payload, encrypted until the mail is sent. */
interface TokenPayload {
  secrets: OneTimeSecrets;
  codeChallenge: string | null;
}

/**
 * Mails with a one-time token. A request adds the same entry whether or not the address has an account; who it is for is
 * found out when the mail is composed, off the response path (user enumeration by timing: OWASP ASVS 5.0 6.3.8).
 */
@Injectable()
export class TokenMails {
  constructor(
    private readonly outbox: Outbox,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly events: SecurityEvents,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Throws `mail_not_configured`. */
  assertAvailable(): void {
    if (!this.outbox.isAvailable) throw new Problem('mail_not_configured');
  }

  /** @param compose called when the mail is to be sent, in a transaction */
  define<Payload extends object>(
    kind: string,
    compose: (
      entry: Omit<OutboxEntry, 'payload'> & { payload: TokenPayload & Payload },
      transaction: Statements,
    ) => Promise<Mail | null>,
  ): void {
    this.outbox.define(kind, (entry, transaction) => compose(entry as Parameters<typeof compose>[0], transaction));
  }

  /** Queues a mail with a new token. */
  async add(
    kind: string,
    recipient: string,
    { codeChallenge, ...payload }: { codeChallenge?: string | undefined } & Record<string, unknown>,
    on: Statements,
  ): Promise<void> {
    const token: TokenPayload = { secrets: newSecrets(codeChallenge), codeChallenge: codeChallenge ?? null };
    await this.outbox.add({ kind, recipient, event: uuidv7(), payload: { ...payload, ...token } }, on);
  }

  /** Queues a mail to a former address with a link that gives it the account back. The token is valid at once. */
  async addUndo(kind: string, user: User, newEmail: EmailAddress, transaction: Statements): Promise<void> {
    const { email, emailCanonical: canonical, name, locale } = user;
    const secrets = newSecrets(undefined);
    const details = { wasVerified: user.emailVerifiedAt !== null };
    const token = { kind: 'undo_email_change', secrets, codeChallenge: null, userId: user.id, details } as const;
    const lifetime = { createdAt: this.clock.now(), lifetimeMs: UNDO_LIFETIME_MS };
    await this.oneTimeTokens.issue({ ...token, ...lifetime, email: { address: email, canonical } }, transaction);
    const undoLink = appLink(this.config.appUrl, 'undo-email-change', secrets.token);
    const payload = { to: { email, name, locale }, data: { newEmail: newEmail.address, undoLink } };
    await this.outbox.add({ kind, recipient: email, event: uuidv7(), payload }, transaction);
  }

  /** Deletes what was mailed to an address. What is still to be sent stays. */
  forget(canonical: string, transaction: Statements): Promise<void> {
    return this.outbox.forget(canonical, transaction);
  }

  /** Makes the token of an entry valid, and its mail. Null where it has expired while the mail waited. */
  async compose(
    entry: Omit<OutboxEntry, 'payload'> & { payload: TokenPayload },
    kind: keyof typeof KINDS,
    owner: TokenOwner,
    to: Addressee,
    transaction: Statements,
  ): Promise<Mail | null> {
    const { template, action, lifetimeMs } = KINDS[kind];
    const { createdAt, payload } = entry;
    if (createdAt + lifetimeMs <= this.clock.now()) return null;
    const { event, ...forWhom } = owner;
    const token = { kind, ...payload, ...forWhom, createdAt, lifetimeMs };
    const isNew = await this.oneTimeTokens.issue(token, transaction);
    if (isNew && event) await this.events.record(event, transaction);
    const { token: secret, code } = payload.secrets;
    return this.mail(template, to, { link: appLink(this.config.appUrl, action, secret), code: code ?? '' });
  }

  mail(template: TemplateName, { email, name, locale }: Addressee, data: Record<string, string>): Mail {
    return { template, to: email, locale, data: { name: name ?? '', ...data } };
  }

  /** Where a user asks for a link to a new password, and where they sign in. */
  get pages(): { resetLink: string; signInLink: string } {
    const { appUrl } = this.config;
    return { resetLink: `${appUrl}#forgot-password`, signInLink: appUrl };
  }
}
