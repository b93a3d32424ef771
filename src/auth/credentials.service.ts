import { Injectable, Logger } from '@nestjs/common';
import { FailedSignInBuffer } from '../audit/failed-sign-in-buffer.js';
import { Config } from '../config/config.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Ticket } from '../passwords/fair-queue.js';
import type { Identity } from '../identity/identity.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import type { PersonalWords } from '../passwords/own-words.js';
import { NewPasswordCheck } from '../passwords/new-password-check.js';
import { Problem } from '../problem/problem.js';
import { parseEmail } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Verifies passwords, and accepts or rejects new ones. */
@Injectable()
export class CredentialsService {
  private readonly logger = new Logger(CredentialsService.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly newPasswords: NewPasswordCheck,
    private readonly failures: FailedSignInBuffer,
    private readonly config: Config,
  ) {}

  /**
   * The active user with this address and password, or null. Against user enumeration, by timing too, an unknown address, a
   * disabled or unverified user and a wrong password take the same path (OWASP ASVS 5.0 6.3.8): an unknown address is
   * compared with a dummy hash. A failure at an existing account is recorded after the response. Throws `hashing_busy`.
   */
  async authenticate(email: string, password: string, ticket: Ticket, origin: RequestOrigin): Promise<User | null> {
    const address = parseEmail(email);
    const known: { user: User | null } = { user: null };
    const find = async () => (known.user = address && (await this.users.findByEmail(address)));
    const user = await this.hasher.verify(password, find, ticket);
    if (user?.status !== 'active' || !this.isVerifiedEnough(user)) {
      if (known.user) this.failures.add(known.user.id, origin);
      return null;
    }
    if (this.hasher.isOutdated(user.passwordHash)) await this.rehash(user, password, ticket);
    return user;
  }

  /**
   * The caller's user, after their password was verified once more. Throws `current_password_wrong`, `session_revoked` where
   * the user is gone, `hashing_busy`.
   */
  async verifyCaller({ userId, sessionId }: Identity, password: string, ticket: Ticket): Promise<User> {
    const user = await this.users.findById(userId);
    if (!user) throw new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
    const isTheirs = (await this.hasher.verify(password, async () => user, ticket)) !== null;
    if (!isTheirs) throw new Problem('current_password_wrong');
    return user;
  }

  /** The stored form of a new password. Throws `password_rejected` (with the reason), `hashing_busy`. */
  async hashNew(password: string, words: PersonalWords, field: string, ticket: Ticket): Promise<string> {
    const message = await this.newPasswords.findFault(password, words, ticket);
    if (message) throw new Problem('password_rejected', { errors: [{ field, message }] });
    return this.hasher.hash(password, ticket);
  }

  private isVerifiedEnough({ emailVerifiedAt }: User): boolean {
    return emailVerifiedAt !== null || !this.config.requiresVerifiedEmail;
  }

  /** A sign-in is the only moment at which a password can be hashed again. It never fails because of that. */
  private async rehash(user: User, password: string, ticket: Ticket): Promise<void> {
    try {
      const hash = await this.hasher.hash(password, ticket);
      if (await this.users.replaceHash(user, hash)) user.passwordHash = hash;
    } catch (error) {
      this.logger.warn(`A password keeps its old hash for now: ${(error as Error).message}`);
    }
  }
}
