import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Identity } from '../identity/identity.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import { parseEmail } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { CredentialsService } from './credentials.service.js';
import type { ChangePasswordDto, RegisterDto } from './dto.js';
import type { HeldTokens, OwnedSession } from './requests.js';

/** Registration, login, logout and change of password. Refreshes: `sessions/refresh.service.ts`. */
@Injectable()
export class AuthService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly revocations: RevocationsService,
    private readonly events: SecurityEvents,
  ) {}

  /** Makes a user and their first session, both or neither. Throws `email_taken`, `password_rejected`, `hashing_busy`. */
  async register({ email, password, name = null }: RegisterDto, device: Device, ticket: Ticket): Promise<LiveSession> {
    const address = parseEmail(email)!;
    const passwordHash = await this.credentials.hashNew(password, { email: address.address, name }, 'password', ticket);
    return this.revocations.transaction(async (transaction) => {
      const user = await this.users.create({ email: address, name, passwordHash }, transaction);
      if (!user) throw new Problem('email_taken');
      const session = (await this.sessions.start(user, device, transaction))!;
      const common = { userId: user.id, sessionId: session.id, origin: device };
      const events = [
        { type: 'registered' as const, ...common },
        { type: 'sign_in' as const, ...common },
      ];
      await this.events.recordAll(events, transaction);
      return session;
    });
  }

  /**
   * Starts a session for a user whose password was just verified, and revokes the user's sessions that it replaces. Throws
   * `invalid_credentials` when the password or the status of the user changed meanwhile.
   */
  async login(user: User, device: Device, replaced: string[]): Promise<LiveSession> {
    const session = await this.sessions.signIn(user, device, replaced);
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
   * `current_password_wrong`, `password_rejected`, `hashing_busy`; when the user changed meanwhile, `session_revoked` or
   * `access_token_outdated`.
   */
  async changePassword(
    caller: Identity,
    passwords: ChangePasswordDto,
    device: Omit<Device, 'delivery'>,
    ticket: Ticket,
  ): Promise<LiveSession> {
    const user = await this.users.findById(caller.userId);
    if (!user) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_user' });
    const matches = await this.credentials.isPasswordOf(user, passwords.currentPassword, ticket);
    if (!matches) throw new Problem('current_password_wrong');
    const hash = await this.credentials.hashNew(passwords.newPassword, user, 'newPassword', ticket);
    const delivery = await this.sessions.findDelivery(caller.sessionId);
    if (!delivery) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_session' });

    const session = await this.revocations.transaction(async (transaction) => {
      const changed = await this.users.changePassword(user, hash, transaction);
      if (!changed) return null;
      const revoked = await this.sessions.revokeAllInTransaction(changed, 'credentials_changed', transaction);
      const started = await this.sessions.start(changed, { ...device, delivery }, transaction);
      const details = { bySessionId: caller.sessionId, revokedSessions: revoked };
      const event = { userId: user.id, sessionId: started?.id ?? null, origin: device, details };
      await this.events.record({ type: 'password_changed', ...event }, transaction);
      return started;
    });
    if (!session) throw await this.whyUserChanged(user, caller);
    return session;
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
