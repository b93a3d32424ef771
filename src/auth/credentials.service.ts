import { Injectable, Logger } from '@nestjs/common';
import { Problem } from '../problem/problem.js';
import { Config } from '../config/config.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { whyNotAcceptable, type PersonalWords } from '../passwords/password-policy.js';
import { PasswordStrength } from '../passwords/password-strength.js';
import { parseEmail } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Checks passwords: those that people know, and those that they would like. */
@Injectable()
export class CredentialsService {
  private readonly logger = new Logger(CredentialsService.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly strength: PasswordStrength,
    private readonly config: Config,
  ) {}

  /**
   * The active user whose password this is, or null. An unknown address, a disabled user and a wrong password take the
   * same path and the same work (OWASP ASVS 5.0 6.3.8). Throws `hashing_busy`.
   */
  async check(email: string, password: string): Promise<User | null> {
    const address = parseEmail(email);
    const user = address && (await this.users.findByEmail(address));
    const right = await this.hasher.verify(password, user?.passwordHash ?? null);
    if (!right || user?.status !== 'active') return null;
    if (this.hasher.isOutdated(user.passwordHash)) await this.rehash(user, password);
    return user;
  }

  /** Whether it is the user's password. Throws `hashing_busy`. */
  isPasswordOf(user: User, password: string): Promise<boolean> {
    return this.hasher.verify(password, user.passwordHash);
  }

  /** The stored form of a new password. Throws `password_rejected` (with the reason), `hashing_busy`. */
  async hashNew(password: string, words: PersonalWords, field: string): Promise<string> {
    const message =
      whyNotAcceptable(password, words, this.config.passwordMinLength) ??
      (await this.strength.whyWeak(password, words));
    if (message) throw new Problem('password_rejected', { errors: [{ field, message }] });
    return this.hasher.hash(password);
  }

  /** A sign-in is the one moment at which a password can be hashed again; it never fails because of it. */
  private async rehash(user: User, password: string): Promise<void> {
    try {
      const hash = await this.hasher.hash(password);
      if (await this.users.replaceHash(user, hash)) user.passwordHash = hash;
    } catch (error) {
      this.logger.warn(`A password keeps its old hash for now: ${(error as Error).message}`);
    }
  }
}
