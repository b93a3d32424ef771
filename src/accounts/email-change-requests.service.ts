import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import { CredentialsService } from '../auth/credentials.service.js';
import { Database } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Identity } from '../identity/identity.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { Problem } from '../problem/problem.js';
import { parseEmail } from '../users/email.js';
import { UsersService } from '../users/users.service.js';
import type { ChangeEmailDto } from './dto.js';
import { EmailChangeMails } from './email-change-mails.service.js';

/** Requests for a change of address. What their mails lead to: `email-change.service.ts`. */
@Injectable()
export class EmailChangeRequests {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly mails: EmailChangeMails,
    private readonly events: SecurityEvents,
    private readonly users: UsersService,
    private readonly database: Database,
  ) {}

  /** Throws `current_password_wrong`, `validation_failed` for the address of the account itself, `mail_not_configured`. */
  async request(
    caller: Identity,
    { newEmail, password, codeChallenge }: ChangeEmailDto,
    origin: RequestOrigin,
    ticket: Ticket,
  ): Promise<void> {
    const user = await this.credentials.verifyCaller(caller, password, ticket);
    const address = parseEmail(newEmail)!;
    if (address.canonical === user.emailCanonical) {
      const message = 'This is the address of your account already.';
      throw new Problem('validation_failed', { errors: [{ field: 'newEmail', message }] });
    }
    const event = { type: 'email_change_requested', userId: user.id, sessionId: caller.sessionId, origin } as const;
    await this.database.transaction(async (transaction) => {
      // Another request may have changed the password that was proved.
      if (!(await this.users.lockUnchanged(user, transaction))) throw new Problem('current_password_wrong');
      await this.mails.addRequest(user, address, codeChallenge, transaction);
      await this.events.record(event, transaction);
    });
  }
}
