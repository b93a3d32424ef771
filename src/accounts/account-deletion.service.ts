import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import type { RequestOrigin } from '../http/request-origin.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { TokenMails, type Addressee } from './token-mails.js';

const KIND = 'account_deleted';

/** Deletes accounts. */
@Injectable()
export class AccountDeletionService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly revocations: RevocationsService,
    private readonly events: SecurityEvents,
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly mails: TokenMails,
  ) {
    mails.define<{ to: Addressee }>(KIND, async ({ payload: { to } }) => mails.mail('account-deleted', to, {}));
  }

  /**
   * Deletes the user with all that refers to them. Every token of theirs is refused at once, in all processes. The address can
   * register again, and gets another `sub`. False where the user changed, or is deleted, since the password was proved.
   */
  async delete(user: User, sessionId: string, origin: RequestOrigin): Promise<boolean> {
    const { id, email, name, locale } = user;
    return this.revocations.transaction(async (transaction) => {
      // Another request may have changed the password that was proved, or deleted the user.
      if (!(await this.users.lockUnchanged(user, transaction))) return false;
      const tokenVersion = (await this.users.incrementTokenVersion(id, transaction))!;
      await this.sessions.revokeAllInTransaction({ id, tokenVersion }, 'ended_by_user', transaction);
      await this.events.record({ type: 'account_deleted', userId: id, sessionId, origin }, transaction);
      await this.mails.add(KIND, email, { to: { email, name, locale } }, transaction);
      await this.oneTimeTokens.deleteRegistrations({ address: email, canonical: user.emailCanonical }, transaction);
      await this.mails.forget(user.emailCanonical, transaction);
      return this.users.remove(id, transaction);
    });
  }
}
