import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import { OneTimeTokensService, type ValidOneTimeToken } from '../one-time-tokens/one-time-tokens.service.js';
import { UsersService, type NewUser } from '../users/users.service.js';
import { TokenMails } from './token-mails.js';

const KIND = 'registration';

interface RegistrationPayload {
  account: NewUser;
}

/**
 * Registration where addresses are verified first. No account exists before its mailbox is proved: what an attacker registers
 * for the address of somebody else is a mail that expires (pre-hijacking: arXiv 2205.10174).
 */
@Injectable()
export class PendingRegistrations {
  constructor(
    private readonly mails: TokenMails,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly users: UsersService,
    private readonly events: SecurityEvents,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    mails.define<RegistrationPayload>(KIND, async (entry, transaction) => {
      const { account } = entry.payload;
      const owner = await users.findContactByEmail(account.email, transaction);
      if (owner) return mails.mail('already-registered', owner, mails.pages);
      if (await oneTimeTokens.isReserved(account.email, transaction)) return null;
      const { address: email } = account.email;
      return mails.compose(
        entry,
        'register',
        { userId: null, email: account.email, registration: account },
        { email, name: account.name, locale: account.locale },
        transaction,
      );
    });
  }

  /** Mails a link that makes the account, or tells the owner of a taken address. The work is the same for both. */
  async request(account: NewUser, codeChallenge: string | undefined): Promise<void> {
    await this.mails.add(KIND, account.email.canonical, { account, codeChallenge }, this.database);
  }

  /** Redeems a token and makes its account. False where it was redeemed before, or the address has an account by now. */
  async confirm(token: ValidOneTimeToken, origin: RequestOrigin, transaction: Statements): Promise<boolean> {
    const { email, registration } = token;
    if (!registration || !(await this.oneTimeTokens.redeem(token, transaction))) return false;
    const user = await this.users.create({ email, ...registration }, this.clock.now(), transaction);
    await this.oneTimeTokens.revokeRegistrations(email, transaction);
    if (!user) return false;
    await this.events.record({ type: 'registered', userId: user.id, origin }, transaction);
    return true;
  }
}
