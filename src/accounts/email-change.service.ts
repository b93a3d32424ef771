import { Injectable } from '@nestjs/common';
import { CredentialChanges } from '../auth/credential-changes.js';
import { isUniqueViolation } from '../database/database-errors.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { OneTimeProof } from '../one-time-tokens/one-time-secrets.js';
import {
  OneTimeTokensService,
  type UndoDetails,
  type ValidOneTimeToken,
} from '../one-time-tokens/one-time-tokens.service.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { EmailChangeMails } from './email-change-mails.service.js';

/** A change of address: confirmed by the new mailbox, and undone by the old one. */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly users: UsersService,
    private readonly changes: CredentialChanges,
    private readonly revocations: RevocationsService,
    private readonly mails: EmailChangeMails,
  ) {}

  /** Makes the new address the one of the account. Throws `one_time_token_invalid`, `email_taken`. */
  async confirm(proof: OneTimeProof, origin: RequestOrigin): Promise<void> {
    const found = await this.oneTimeTokens.find(proof, ['change_email']);
    await this.redeem(found, async ({ email }, user, transaction) => {
      if (await this.oneTimeTokens.isReserved(email, transaction, user.id)) throw new Problem('email_taken');
      if (!(await this.users.changeEmail(user.id, email, true, transaction))) return false;
      await this.changes.applyWithSessions({ type: 'email_changed', userId: user.id, origin }, transaction);
      await this.mails.addChanged(user, email, transaction);
      return true;
    });
  }

  /**
   * Gives the account its former address back, drops every pending change, and revokes all sessions. An undo of an earlier
   * change stays possible: whoever moved the account away cannot win by an undo of their own. It is no proof of a
   * mailbox that nobody had proved before: the account is as unverified as it was (pre-hijacking). Throws
   * `one_time_token_invalid`, `email_taken`.
   */
  async undo(token: string, origin: RequestOrigin): Promise<void> {
    const found = await this.oneTimeTokens.find({ token }, ['undo_email_change']);
    await this.redeem(found, async (undo, user, transaction) => {
      const tokenVersion = await this.users.incrementTokenVersion(user.id, transaction);
      const { wasVerified } = undo.details as UndoDetails;
      const changed = await this.users.changeEmail(user.id, undo.email, wasVerified, transaction);
      if (tokenVersion === null || !changed) return false;
      const event = { type: 'email_change_undone', origin } as const;
      await this.changes.apply({ id: user.id, tokenVersion, emailCanonical: undo.email.canonical }, event, transaction);
      await this.oneTimeTokens.revokeLaterUndos(undo, transaction);
      await this.mails.addUndone(user, undo.email, transaction);
      return true;
    });
  }

  private async redeem(
    token: ValidOneTimeToken | null,
    change: (token: ValidOneTimeToken, user: User, transaction: RevokingTransaction) => Promise<boolean>,
  ): Promise<void> {
    const user = token?.userId ? await this.users.findById(token.userId) : null;
    if (!token || !user) throw new Problem('one_time_token_invalid');
    try {
      await this.revocations.transaction(async (transaction) => {
        const isFirst =
          (await this.users.lock(user.id, transaction)) && (await this.oneTimeTokens.redeem(token, transaction));
        // What is refused rolls back, so that the link stays valid.
        if (!isFirst || !(await change(token, user, transaction))) throw new Problem('one_time_token_invalid');
      });
    } catch (error) {
      throw isUniqueViolation(error) ? new Problem('email_taken') : error;
    }
  }
}
