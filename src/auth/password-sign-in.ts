import { Injectable, Logger } from '@nestjs/common';
import { FailedSignInBuffer } from '../audit/failed-sign-in-buffer.js';
import { Config } from '../config/config.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
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
  origin: RequestOrigin;
}

/** Verifies an e-mail address and a password. */
@Injectable()
export class PasswordSignIn {
  private readonly logger = new Logger(PasswordSignIn.name);

  constructor(
    private readonly users: UsersService,
    private readonly hasher: PasswordHasher,
    private readonly throttle: PasswordThrottle,
    private readonly failures: FailedSignInBuffer,
    private readonly config: Config,
  ) {}

  /**
   * The active user with this address and password, or null. Against user enumeration, by timing too, an unknown address, a
   * disabled or unverified user, a wrong password and an account that accepts no more guesses take the same path (OWASP ASVS
   * 5.0 6.3.8): an unknown address is compared with a dummy hash, and a failure at an existing account is recorded after the
   * response. The attempt is counted first. Throws `rate_limited`, `hashing_busy`.
   */
  async authenticate({ email, password, device, origin }: SignIn, ticket: Ticket): Promise<User | null> {
    const address = parseEmail(email);
    const attempt = await this.throttle.beginSignIn(accountOf(email), device?.deviceId ?? null);
    const lookup: { found: User | null } = { found: null };
    const find = async () => {
      lookup.found = address && (await this.users.findByEmail(address));
      return attempt.isStopped ? null : lookup.found;
    };
    const user = await attempt.settle(async () => this.admitted(await this.hasher.verify(password, find, ticket)));
    if (!user) this.recordFailure(lookup.found, origin, attempt.isLast);
    else if (this.hasher.isOutdated(user.passwordHash)) await this.rehash(user, password, ticket);
    return user;
  }

  private admitted(user: User | null): User | null {
    const isAdmitted =
      user?.status === 'active' && (user.emailVerifiedAt !== null || !this.config.requiresVerifiedEmail);
    return isAdmitted ? user : null;
  }

  /** @param isLast whether unknown devices are stopped after this failure */
  private recordFailure(user: User | null, origin: RequestOrigin, isLast: boolean): void {
    if (!user) return;
    this.failures.add(user.id, origin);
    if (isLast && user.status === 'active') this.throttle.reportStopped(user.id);
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
