import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
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
    mails.define(KIND, async (entry, transaction) => {
      const address = parseEmail(entry.recipient);
      const user = address && (await users.findByEmail(address));
      if (user?.status !== 'active') return null;
      const email = { address: user.email, canonical: user.emailCanonical };
      return mails.compose(entry, 'reset_password', { userId: user.id, email }, user, transaction);
    });
  }

  /** The work is the same for an address without an account. Throws `mail_not_configured`. */
  async request(email: string, codeChallenge: string | undefined): Promise<void> {
    this.mails.assertAvailable();
    await this.mails.add(KIND, parseEmail(email)!.canonical, { codeChallenge }, this.database);
  }
}
