import { Injectable } from '@nestjs/common';
import { CredentialsService } from '../auth/credentials.service.js';
import { Database } from '../database/database.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { Problem } from '../problem/problem.js';
import type { LiveSession } from '../sessions/session-row.js';
import { SessionsService, type Device } from '../sessions/sessions.service.js';
import { parseEmail, type EmailAddress } from '../users/email.js';
import { UsersService, type NewUser } from '../users/users.service.js';
import type { RegisterDto } from './dto.js';

/** Registration where addresses need no verification: it signs in at once. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly database: Database,
  ) {}

  /** The account that a request describes. Throws `password_rejected`, `hashing_busy`. */
  async prepare({ email, password, name = null, locale = null }: RegisterDto, ticket: Ticket): Promise<NewUser> {
    const address = parseEmail(email)!;
    const passwordHash = await this.credentials.hashNew(password, { email: address.address, name }, 'password', ticket);
    return { email: address, name, passwordHash, locale };
  }

  /** Makes a user and their first session, both or neither. Throws `email_taken`. */
  register(account: NewUser, device: Device): Promise<LiveSession> {
    return this.database.transaction(async (transaction) => {
      const isReserved = await this.oneTimeTokens.isReserved(account.email, transaction);
      const user = isReserved ? null : await this.users.create(account, null, transaction);
      if (!user) throw new Problem('email_taken');
      return (await this.sessions.start(user, device, transaction))!;
    });
  }

  /** Whether nobody can register with this address: it has an account, or its former owner can still claim it back. */
  async isTaken(email: EmailAddress): Promise<boolean> {
    return (await this.users.findByEmail(email)) !== null || this.oneTimeTokens.isReserved(email, this.database);
  }
}
