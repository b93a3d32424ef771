import { Injectable } from '@nestjs/common';
import type { Identity } from '../identity/identity.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { NewPasswordCheck } from '../passwords/new-password-check.js';
import type { PersonalWords } from '../passwords/own-words.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { Problem } from '../problem/problem.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Verifies the password of a caller, and accepts or rejects new ones. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly newPasswords: NewPasswordCheck,
    private readonly throttle: PasswordThrottle,
  ) {}

  /**
   * The caller's user, after their password was verified once more. Guesses are counted for the session: a thief of one
   * cannot stop the user elsewhere. Throws `current_password_wrong`, `session_revoked` where the user is gone,
   * `rate_limited`, `hashing_busy`.
   */
  async verifyCaller({ userId, sessionId }: Identity, password: string, ticket: Ticket): Promise<User> {
    const user = await this.users.findById(userId);
    if (!user) throw new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
    const attempt = await this.throttle.beginInSession(user.emailCanonical, sessionId);
    const find = async () => (attempt.isStopped ? null : user);
    const owner = await attempt.settle(() => this.hasher.verify(password, find, ticket));
    if (!owner) throw new Problem('current_password_wrong');
    return owner;
  }

  /** The stored form of a new password. Throws `password_rejected` (with the reason), `hashing_busy`. */
  async hashNew(password: string, words: PersonalWords, field: string, ticket: Ticket): Promise<string> {
    const message = await this.newPasswords.findFault(password, words, ticket);
    if (message) throw new Problem('password_rejected', { errors: [{ field, message }] });
    return this.hasher.hash(password, ticket);
  }
}
