import { Injectable, Logger } from '@nestjs/common';
import { Problem } from '../problem/problem.js';
import { Config } from '../config/config.js';
import type { Statements } from '../database/database.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import type { PersonalWords } from '../passwords/own-words.js';
import { findViolation } from '../passwords/password-policy.js';
import { PasswordStrength } from '../passwords/password-strength.js';
import { PasswordThrottle } from '../rate-limits/password-throttle.js';
import type { KnownDevice } from '../tokens/device-token.service.js';
import { accountOf, parseEmail } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** What a sign-in presents. */
export interface SignIn {
  email: string;
  password: string;
  /** From `KnownDevices.find`, for this address. */
  device: KnownDevice | null;
}

/** Verifies passwords, and accepts or rejects new ones. */
@Injectable()
export class CredentialsService {
  private readonly logger = new Logger(CredentialsService.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly strength: PasswordStrength,
    private readonly config: Config,
    private readonly throttle: PasswordThrottle,
  ) {}

  /**
   * The active user with this address and password, or null. Against user enumeration, by timing too, an unknown address, a
   * disabled user, a wrong password and an account that accepts no more guesses take the same path (OWASP ASVS 5.0 6.3.8):
   * an unknown address is compared with a dummy hash. The attempt is counted first. Throws `rate_limited`, `hashing_busy`.
   */
  async authenticate({ email, password, device }: SignIn, ticket: Ticket): Promise<User | null> {
    const address = parseEmail(email);
    const attempt = await this.throttle.beginSignIn(accountOf(email), device?.deviceId ?? null);
    let found: User | null = null;
    const find = async () => {
      found = address && (await this.users.findByEmail(address));
      return attempt.isStopped ? null : found;
    };
    const user = await attempt.settle(async () => activeOnly(await this.hasher.verify(password, find, ticket)));
    if (!user && attempt.isLast) this.reportStopped(found);
    if (user && this.hasher.isOutdated(user.passwordHash)) await this.rehash(user, password, ticket);
    return user;
  }

  /**
   * Verifies the password of a caller who is signed in. Guesses are counted for the session: a thief of one cannot stop the
   * user elsewhere. Throws `current_password_wrong`, `rate_limited`, `hashing_busy`.
   */
  async verifyOwn(user: User, password: string, sessionId: string, ticket: Ticket): Promise<void> {
    const attempt = await this.throttle.beginInSession(user.emailCanonical, sessionId);
    const find = async () => (attempt.isStopped ? null : user);
    const matches = await attempt.settle(() => this.hasher.verify(password, find, ticket));
    if (!matches) throw new Problem('current_password_wrong');
  }

  /** For a user whose password is changed or reset in this transaction: guesses at the old one do not matter any more. */
  async forgetFailures(user: User, transaction: Statements): Promise<void> {
    await this.throttle.clear(user.emailCanonical, transaction);
  }

  /** The stored form of a new password. Throws `password_rejected` (with the reason), `hashing_busy`. */
  async hashNew(password: string, words: PersonalWords, field: string, ticket: Ticket): Promise<string> {
    const message =
      findViolation(password, this.config.passwordMinLength) ??
      (await this.strength.findWeakness(password, words, ticket));
    if (message) throw new Problem('password_rejected', { errors: [{ field, message }] });
    return this.hasher.hash(password, ticket);
  }

  private reportStopped(user: User | null): void {
    if (user?.status === 'active') this.throttle.reportStopped(user.id);
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

function activeOnly(user: User | null): User | null {
  return user?.status === 'active' ? user : null;
}
