import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
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
    private readonly database: Database,
  ) {}

  /** Makes a user and their first session, both or neither. Throws `email_taken`, `password_rejected`, `hashing_busy`. */
  async register({ email, password, name = null }: RegisterDto, device: Device, ticket: Ticket): Promise<LiveSession> {
    const address = parseEmail(email)!;
    const passwordHash = await this.credentials.hashNew(password, { email: address.address, name }, 'password', ticket);
    return this.database.transaction(async (transaction) => {
      const user = await this.users.create({ email: address, name, passwordHash }, transaction);
      if (!user) throw new Problem('email_taken');
      return (await this.sessions.start(user, device, transaction))!;
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
  async logout({ session, tokens: [first, ...others] }: HeldTokens): Promise<OwnedSession[]> {
    const sessions = session ? [session] : [];
    if (first) sessions.push(await this.sessions.newestOf([first, ...others]));
    for (const { sessionId, userId } of sessions) await this.sessions.revoke(sessionId, userId, 'logout');
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
    const user = await this.users.findById(caller.userId);
    if (!user) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_user' });
    await this.credentials.verifyOwn(user, passwords.currentPassword, caller.sessionId, ticket);
    const hash = await this.credentials.hashNew(passwords.newPassword, user, 'newPassword', ticket);
    const delivery = await this.sessions.findDelivery(caller.sessionId);
    if (!delivery) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_session' });

    const session = await this.revocations.transaction(async (transaction) => {
      const changed = await this.users.changePassword(user, hash, transaction);
      if (!changed) return null;
      await this.sessions.revokeAllInTransaction(changed, 'credentials_changed', transaction);
      await this.credentials.forgetFailures(user, transaction);
      return this.sessions.start(changed, { ...device, delivery }, transaction);
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
