import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import type { Identity } from '../identity/identity.js';
import { Problem } from '../problem/problem.js';
import { UsersService } from '../users/users.service.js';
import { TokenMails } from './token-mails.js';

const KIND = 'email_verification';

/** Mails by which a user with an account verifies their address. */
@Injectable()
export class VerificationMails {
  constructor(
    private readonly mails: TokenMails,
    private readonly users: UsersService,
    private readonly database: Database,
  ) {
    mails.define<{ userId: string; tokenVersion: number }>(KIND, async (entry, transaction) => {
      const user = await users.findContactById(entry.payload.userId, transaction);
      // A change of credentials since then drops the request.
      if (user?.tokenVersion !== entry.payload.tokenVersion || user.emailVerifiedAt !== null) return null;
      const email = { address: user.email, canonical: user.emailCanonical };
      return mails.compose(entry, 'verify_email', { userId: user.id, email }, user, transaction);
    });
  }

  /** Nothing is mailed to a user whose address is verified. Throws `mail_not_configured`. */
  async request({ userId, sessionId }: Identity, codeChallenge: string | undefined): Promise<void> {
    this.mails.assertAvailable();
    const user = await this.users.findById(userId);
    if (!user) throw new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
    await this.mails.add(
      KIND,
      user.emailCanonical,
      { userId, tokenVersion: user.tokenVersion, codeChallenge },
      this.database,
    );
  }
}
