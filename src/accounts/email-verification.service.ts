import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import { CredentialChanges } from '../auth/credential-changes.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Identity } from '../identity/identity.js';
import type { OneTimeProof } from '../one-time-tokens/one-time-secrets.js';
import { OneTimeTokensService, type ValidOneTimeToken } from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import { UsersService } from '../users/users.service.js';
import { PendingRegistrations } from './pending-registrations.service.js';

/** Proof that a user reads the mail of their address. */
@Injectable()
export class EmailVerificationService {
  constructor(
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly registrations: PendingRegistrations,
    private readonly users: UsersService,
    private readonly changes: CredentialChanges,
    private readonly revocations: RevocationsService,
    private readonly events: SecurityEvents,
  ) {}

  /**
   * Redeems the link or the code of a mail. Throws `one_time_token_invalid`.
   *
   * The first proof of a mailbox on an account that had none removes what was set before it: password, sessions, pending
   * changes. Only the browser that shows that it is the one of the account keeps them, by its code or its access token:
   * otherwise whoever registered the address of somebody else would share the account after a click of its owner.
   */
  async verify(proof: OneTimeProof, caller: Identity | null, origin: RequestOrigin): Promise<void> {
    const token = await this.oneTimeTokens.find(proof, ['register', 'verify_email']);
    if (!token) throw new Problem('one_time_token_invalid');
    const isOwnBrowser = token.isBound || (caller !== null && caller.userId === token.userId);
    const isVerified = await this.revocations.transaction((transaction) =>
      token.kind === 'register'
        ? this.registrations.confirm(token, origin, transaction)
        : this.verifyAccount(token, isOwnBrowser, origin, transaction),
    );
    if (!isVerified) throw new Problem('one_time_token_invalid');
  }

  private async verifyAccount(
    token: ValidOneTimeToken,
    isOwnBrowser: boolean,
    origin: RequestOrigin,
    transaction: RevokingTransaction,
  ): Promise<boolean> {
    const { userId, email } = token;
    if (userId === null || !(await this.users.lock(userId, transaction))) return false;
    if (!(await this.oneTimeTokens.redeem(token, transaction))) return false;
    const user = await this.users.verifyEmail(userId, email, isOwnBrowser, transaction);
    if (!user) return true;
    const event = { type: 'email_verified', origin } as const;
    if (isOwnBrowser) await this.events.record({ ...event, userId }, transaction);
    else await this.changes.apply({ ...user, emailCanonical: email.canonical }, event, transaction);
    return true;
  }
}
