import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import {
  OneTimeTokensService,
  type PendingRegistration,
  type ValidOneTimeToken,
} from '../one-time-tokens/one-time-tokens.service.js';
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
        { userId: null, email: account.email, details: account },
        // The name comes from whoever registered, which need not be the reader.
        { email, name: null, locale: account.locale },
        transaction,
      );
    });
  }

  /** Mails a link that makes the account, or tells the owner of a taken address. The work is the same for both. */
  async request(account: NewUser, codeChallenge: string | undefined): Promise<void> {
    await this.mails.add(KIND, account.email.canonical, { account, codeChallenge }, this.database);
  }

  /**
   * Redeems a token and makes its account. Where others registered the same address, the password of this registration counts
   * only in the browser that began it: the owner of the mailbox cannot tell the mails apart, and may have opened the one of a
   * stranger. The account then has no password until its owner sets one. False where the token was redeemed before, or the
   * address has an account by now.
   */
  async confirm(token: ValidOneTimeToken, origin: RequestOrigin, transaction: Statements): Promise<boolean> {
    const { email, isBound } = token;
    const registration = token.details as PendingRegistration | null;
    const hasOthers = await this.oneTimeTokens.lockRegistrations(token, transaction);
    if (!registration || !(await this.oneTimeTokens.redeem(token, transaction))) return false;
    if (await this.oneTimeTokens.isReserved(email, transaction)) return false;
    const isTrusted = isBound || !hasOthers;
    const account = isTrusted ? registration : { ...registration, name: null, passwordHash: null };
    const user = await this.users.create({ ...account, email }, this.clock.now(), transaction);
    await this.oneTimeTokens.revokeRegistrations(email, transaction);
    if (!user) return false;
    await this.events.record({ type: 'registered', userId: user.id, origin }, transaction);
    return true;
  }
}
