import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import { parseEmail } from '../users/email.js';
import { UsersService } from '../users/users.service.js';
import { TokenMails } from './token-mails.js';

const KIND = 'password_reset';

/** Mails by which a user who forgot their password sets a new one. */
@Injectable()
export class ResetMails {
  constructor(
    private readonly mails: TokenMails,
    users: UsersService,
    private readonly database: Database,
  ) {
    mails.define<{ origin: RequestOrigin }>(KIND, async (entry, transaction) => {
      const address = parseEmail(entry.recipient);
      const user = address && (await users.findContactByEmail(address, transaction));
      if (user?.status !== 'active') return null;
      const email = { address: user.email, canonical: user.emailCanonical };
      const event = { type: 'password_reset_requested', userId: user.id, origin: entry.payload.origin } as const;
      return mails.compose(entry, 'reset_password', { userId: user.id, email, event }, user, transaction);
    });
  }

  /** The work is the same for an address without an account. Throws `mail_not_configured`. */
  async request(email: string, codeChallenge: string | undefined, origin: RequestOrigin): Promise<void> {
    this.mails.assertAvailable();
    await this.mails.add(KIND, parseEmail(email)!.canonical, { codeChallenge, origin }, this.database);
  }
}
