import { Injectable } from '@nestjs/common';
import type { Identity } from '../identity/identity.js';
import { Problem } from '../problem/problem.js';
import { Database } from '../database/database.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import { parseEmail } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { CredentialsService } from './credentials.service.js';
import type { ChangePasswordDto, RegisterDto } from './dto.js';
import type { Ending } from './guards/logout.guard.js';

/** Registering, signing in, and leaving. Staying in: `refresh-exchange.ts`. */
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
  async register({ email, password, name = null }: RegisterDto, device: Device): Promise<LiveSession> {
    const address = parseEmail(email)!;
    const hash = await this.credentials.hashNew(password, { email: address.address, name }, 'password');
    return this.database.transaction(async (manager) => {
      const user = await this.users.create(address, name, hash, manager);
      if (!user) throw new Problem('email_taken');
      return (await this.sessions.begin(user, device, manager))!;
    });
  }

  /** Begins a session for a user whose password was just checked; those of theirs that it replaces end. Throws `invalid_credentials`. */
  async login(user: User, device: Device, replaced: string[]): Promise<LiveSession> {
    const session = await this.sessions.signIn(user, device, replaced);
    // The password, or the user, changed while this one was being checked.
    if (!session) throw new Problem('invalid_credentials');
    return session;
  }

  /** Ends these sessions. One that has ended already is no error. */
  async logout(endings: Ending[]): Promise<void> {
    for (const { sessionId, userId } of endings) await this.sessions.end(sessionId, userId, 'logout');
  }

  /**
   * Sets a new password, ends every session from before, and begins one for the caller: all or nothing. Throws
   * `current_password_wrong`, `password_rejected`, `hashing_busy`.
   */
  async changePassword(
    caller: Identity,
    passwords: ChangePasswordDto,
    where: Omit<Device, 'delivery'>,
  ): Promise<LiveSession> {
    const user = await this.users.findById(caller.userId);
    if (!user) throw new Problem('session_revoked', { sessionId: caller.sessionId, reason: 'unknown_user' });
    const right = await this.credentials.isPasswordOf(user, passwords.currentPassword);
    if (!right) throw new Problem('current_password_wrong');
    const hash = await this.credentials.hashNew(passwords.newPassword, user, 'newPassword');
    const device = { ...where, delivery: await this.sessions.deliveryOf(caller.sessionId) };

    const { session } = await this.revocations.applyAfterCommit(() =>
      this.database.transaction(async (manager) => {
        const changed = await this.users.changePassword(user, hash, manager);
        // Somebody else changed it while this request was hashing.
        if (!changed) throw new Problem('current_password_wrong');
        const ended = await this.sessions.revokeAllIn(manager, changed, 'credentials_changed');
        return { ended, session: (await this.sessions.begin(changed, device, manager))! };
      }),
    );
    return session;
  }
}
