import { Injectable } from '@nestjs/common';
import { SecurityEvents, type NewSecurityEvent } from '../audit/security-events.js';
import type { Statements } from '../database/database.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import type { User } from '../users/user.entity.js';
import type { SignInUser } from '../users/users.service.js';

/** A user after the change, which has locked their row. */
type ChangedUser = SignInUser & Pick<User, 'emailCanonical'>;
type ChangeEvent = Omit<NewSecurityEvent, 'userId' | 'sessionId'>;

/** What follows from every change of credentials. Its methods run in the transaction that made the change. */
@Injectable()
export class CredentialChanges {
  constructor(
    private readonly sessions: SessionsService,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly events: SecurityEvents,
    private readonly throttle: PasswordThrottle,
  ) {}

  /** Revokes every session of the user and every link that was mailed, forgets failed sign-ins, and records the event. */
  async apply(changed: ChangedUser, event: ChangeEvent, transaction: RevokingTransaction): Promise<void> {
    const revokedSessions = await this.revokeAll(changed, transaction);
    await this.record(changed, null, event, revokedSessions, transaction);
  }

  /** The same, and starts a session for the user who made the change. Null where the user changed once more. */
  async applyAndStart(
    changed: ChangedUser,
    device: Device,
    event: ChangeEvent,
    transaction: RevokingTransaction,
  ): Promise<LiveSession | null> {
    const revokedSessions = await this.revokeAll(changed, transaction);
    const session = await this.sessions.start(changed, device, transaction);
    await this.record(changed, session, event, revokedSessions, transaction);
    return session;
  }

  /** For a change that leaves the sessions alive: revokes the links that were mailed, and records the event. */
  async applyWithSessions(event: NewSecurityEvent, transaction: Statements): Promise<void> {
    await this.oneTimeTokens.revokeForUser(event.userId, transaction);
    await this.events.record(event, transaction);
  }

  private async revokeAll(changed: ChangedUser, transaction: RevokingTransaction): Promise<number> {
    await this.oneTimeTokens.revokeForUser(changed.id, transaction);
    // Guesses at the old password do not matter any more, and a stopped account is open again.
    await this.throttle.clear(changed.emailCanonical, transaction);
    return this.sessions.revokeAllInTransaction(changed, 'credentials_changed', transaction);
  }

  private record(
    { id: userId }: SignInUser,
    session: LiveSession | null,
    event: ChangeEvent,
    revokedSessions: number,
    transaction: RevokingTransaction,
  ): Promise<void> {
    const details = { ...event.details, revokedSessions };
    return this.events.record({ ...event, userId, sessionId: session?.id ?? null, details }, transaction);
  }
}
