import { Injectable } from '@nestjs/common';
import type { Identity } from '../identity/identity.js';
import type { OneTimeProof } from '../one-time-tokens/one-time-secrets.js';
import { OneTimeTokensService, type ValidOneTimeToken } from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { UsersService } from '../users/users.service.js';
import { PendingRegistrations } from './pending-registrations.service.js';

/** Proof that a user reads the mail of their address. */
@Injectable()
export class EmailVerificationService {
  constructor(
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly registrations: PendingRegistrations,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly revocations: RevocationsService,
  ) {}

  /**
   * Redeems the link or the code of a mail. Throws `one_time_token_invalid`.
   *
   * The first proof of a mailbox on an account that had none removes what was set before it: password, sessions, pending
   * changes. Only the browser that shows that it is the one of the account keeps them, by its code or its access token:
   * otherwise whoever registered the address of somebody else would share the account after a click of its owner.
   */
  async verify(proof: OneTimeProof, caller: Identity | null): Promise<void> {
    const token = await this.oneTimeTokens.find(proof, ['register', 'verify_email']);
    if (!token) throw new Problem('one_time_token_invalid');
    const isOwnBrowser = 'code' in proof || (caller !== null && caller.userId === token.userId);
    const isVerified = await this.revocations.transaction((transaction) =>
      token.kind === 'register'
        ? this.registrations.confirm(token, transaction)
        : this.verifyAccount(token, isOwnBrowser, transaction),
    );
    if (!isVerified) throw new Problem('one_time_token_invalid');
  }

  private async verifyAccount(
    token: ValidOneTimeToken,
    isOwnBrowser: boolean,
    transaction: RevokingTransaction,
  ): Promise<boolean> {
    const { userId, email } = token;
    if (userId === null || !(await this.oneTimeTokens.redeem(token, transaction))) return false;
    const user = await this.users.verifyEmail(userId, email, isOwnBrowser, transaction);
    if (!user || isOwnBrowser) return true;
    await this.sessions.revokeAllInTransaction(user, 'credentials_changed', transaction);
    await this.oneTimeTokens.revokeForUser(userId, transaction);
    return true;
  }
}
