import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../audit/security-events.js';
import type { RequestOrigin } from '../http/request-origin.js';
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
    private readonly mails: TokenMails,
  ) {
    mails.define<{ to: Addressee }>(KIND, async ({ payload: { to } }) => mails.mail('account-deleted', to, {}));
  }

  /**
   * Deletes the user with all that refers to them. Every token of theirs is refused at once, in all processes. The address can
   * register again, and gets another `sub`. False where the user is deleted already.
   */
  async delete({ id, email, name, locale }: User, sessionId: string, origin: RequestOrigin): Promise<boolean> {
    const isDeleted = await this.revocations.transaction(async (transaction) => {
      const tokenVersion = await this.users.incrementTokenVersion(id, transaction);
      if (tokenVersion === null) return false;
      await this.sessions.revokeAllInTransaction({ id, tokenVersion }, 'ended_by_user', transaction);
      await this.events.record({ type: 'account_deleted', userId: id, sessionId, origin }, transaction);
      await this.mails.add(KIND, email, { to: { email, name, locale } }, transaction);
      return this.users.remove(id, transaction);
    });
    this.mails.wake();
    return isDeleted;
  }
}
