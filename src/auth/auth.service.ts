import { Injectable } from '@nestjs/common';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Identity } from '../identity/identity.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { CredentialChanges } from './credential-changes.js';
import { CredentialsService } from './credentials.service.js';
import type { ChangePasswordDto } from './dto.js';
import type { HeldTokens, OwnedSession, VerifiedLogin } from './requests.js';

/** Login, logout and change of password. Refreshes: `sessions/refresh.service.ts`. */
@Injectable()
export class AuthService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly revocations: RevocationsService,
    private readonly changes: CredentialChanges,
  ) {}

  /**
   * Starts a session for a user whose password was just verified, and revokes the user's sessions that it replaces. Throws
   * `invalid_credentials` when the password or the status of the user changed meanwhile.
   */
  async login({ user, replaced, isKnownDevice }: VerifiedLogin, device: Device): Promise<LiveSession> {
    const session = await this.sessions.signIn(user, device, { replaced, isKnownDevice });
    if (!session) throw new Problem('invalid_credentials');
    return session;
  }

  /**
   * Revokes the sessions of these tokens. Idempotent: a session that is revoked already is no error.
   *
   * @returns these sessions
   */
  async logout({ session, tokens: [first, ...others] }: HeldTokens, origin: RequestOrigin): Promise<OwnedSession[]> {
    const sessions = session ? [session] : [];
    if (first) sessions.push(await this.sessions.newestOf([first, ...others]));
    for (const { sessionId, userId } of sessions) await this.sessions.logout(sessionId, userId, origin);
    return sessions;
  }

  /**
   * Stores a new password, revokes every session, and starts one for the caller, all or nothing. Throws
   * `current_password_wrong`, `password_rejected`, `rate_limited`, `hashing_busy`; when the user changed meanwhile, `session_revoked` or
   * `access_token_outdated`.
   */
  async changePassword(
    caller: Identity,
    passwords: ChangePasswordDto,
    device: Omit<Device, 'delivery'>,
    ticket: Ticket,
  ): Promise<{ session: LiveSession; user: User }> {
    const user = await this.credentials.verifyCaller(caller, passwords.currentPassword, ticket);
    const hash = await this.credentials.hashNew(passwords.newPassword, user, 'newPassword', ticket);
    const delivery = await this.sessions.findDelivery(caller.sessionId);
    if (!delivery) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_session' });

    const session = await this.revocations.transaction(async (transaction) => {
      const changed = await this.users.changePassword(user, hash, transaction);
      if (!changed) return null;
      const details = { bySessionId: caller.sessionId };
      const event = { type: 'password_changed', origin: device, details } as const;
      const { emailCanonical } = user;
      return this.changes.applyAndStart({ ...changed, emailCanonical }, { ...device, delivery }, event, transaction);
    });
    if (!session) throw await this.whyUserChanged(user, caller);
    return { session, user };
  }

  /** The problem for a caller whose user another request changed meanwhile. */
  private async whyUserChanged(before: User, { sessionId }: Identity): Promise<Problem> {
    const now = await this.users.findById(before.id);
    if (!now) return new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
    if (now.status !== 'active') return new Problem('session_revoked', { sessionId, reason: 'user_inactive' });
    if (now.passwordHash !== before.passwordHash) return new Problem('current_password_wrong');
    // The roles changed: a client refreshes, and repeats the request.
    return new Problem('access_token_outdated', { sessionId });
  }
}
