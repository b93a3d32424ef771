import { Injectable } from '@nestjs/common';
import { CredentialsService } from '../auth/credentials.service.js';
import { Config } from '../config/config.js';
import type { Ticket } from '../passwords/fair-queue.js';
import type { LiveSession } from '../sessions/session-row.js';
import type { Device } from '../sessions/sessions.service.js';
import { parseEmail } from '../users/email.js';
import type { RegisterDto } from './dto.js';
import { ImmediateRegistrations } from './immediate-registrations.service.js';
import { PendingRegistrations } from './pending-registrations.service.js';

/** Registration of new users. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly immediate: ImmediateRegistrations,
    private readonly pending: PendingRegistrations,
    private readonly config: Config,
  ) {}

  /**
   * Makes an account and signs it in. Null with EMAIL_VERIFICATION=required: then a mail makes the account. Throws
   * `password_rejected`, `hashing_busy`; without verification also `email_taken`.
   */
  async register(registration: RegisterDto, device: Device, ticket: Ticket): Promise<LiveSession | null> {
    const { password, name = null, locale = null, codeChallenge } = registration;
    const email = parseEmail(registration.email)!;
    const passwordHash = await this.credentials.hashNew(password, { email: email.address, name }, 'password', ticket);
    const account = { email, name, passwordHash, locale };
    if (!this.config.requiresVerifiedEmail) return this.immediate.register(account, device);
    await this.pending.request(account, codeChallenge);
    return null;
  }
}
