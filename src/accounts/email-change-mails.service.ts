import { Injectable } from '@nestjs/common';
import type { Statements } from '../database/database.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import type { EmailAddress } from '../users/email.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { TokenMails, type Addressee } from './token-mails.js';

const CONFIRM = 'email_change_confirm';
const REQUESTED = 'email_change_requested';
const CHANGED = 'email_changed';
const UNDONE = 'email_change_undone';

interface ChangePayload {
  userId: string;
  /** When it was asked for: a change of credentials since then drops the request. */
  tokenVersion: number;
  newEmail: EmailAddress;
}

interface NoticePayload {
  to: Addressee;
  data: Record<string, string>;
}

/** The mails of a change of address: both addresses hear of it (OWASP ASVS 5.0 6.3.7). */
@Injectable()
export class EmailChangeMails {
  constructor(
    private readonly mails: TokenMails,
    users: UsersService,
    private readonly oneTimeTokens: OneTimeTokensService,
  ) {
    mails.define<ChangePayload>(CONFIRM, async (entry, transaction) => {
      const { userId, tokenVersion, newEmail } = entry.payload;
      // The owner of a taken address hears of it, and the one who asked does not (user enumeration).
      const owner = await users.findContactByEmail(newEmail, transaction);
      if (owner) return owner.id === userId ? null : mails.mail('already-registered', owner, mails.pages);
      if (await oneTimeTokens.isReserved(newEmail, transaction, userId)) return null;
      const user = await users.findContactById(userId, transaction);
      if (user?.status !== 'active' || user.tokenVersion !== tokenVersion) return null;
      return mails.compose(
        entry,
        'change_email',
        { userId, email: newEmail },
        // The reader need not know the name of who asked.
        { email: newEmail.address, name: null, locale: user.locale },
        transaction,
      );
    });
    for (const [kind, template] of [
      [REQUESTED, 'email-change-requested'],
      [CHANGED, 'email-changed'],
    ] as const) {
      mails.define<NoticePayload>(kind, async ({ payload: { to, data } }) => mails.mail(template, to, data));
    }
    mails.define<{ to: Addressee }>(UNDONE, async ({ payload: { to } }) =>
      mails.mail('email-change-undone', to, { resetLink: mails.pages.resetLink }),
    );
  }

  /** Asks the new mailbox to confirm, and tells the old one. Replaces an earlier request. Throws `mail_not_configured`. */
  async addRequest(
    user: User,
    newEmail: EmailAddress,
    codeChallenge: string | undefined,
    transaction: Statements,
  ): Promise<void> {
    this.mails.assertAvailable();
    await this.oneTimeTokens.revokeForUser(user.id, transaction, ['change_email']);
    const request = { userId: user.id, tokenVersion: user.tokenVersion, newEmail, codeChallenge };
    await this.mails.add(CONFIRM, newEmail.canonical, request, transaction);
    await this.mails.addUndo(REQUESTED, user, newEmail, transaction);
  }

  /** Tells the old mailbox of a change, with a link that undoes it. */
  addChanged(before: User, newEmail: EmailAddress, transaction: Statements): Promise<void> {
    return this.mails.addUndo(CHANGED, before, newEmail, transaction);
  }

  /** Tells the old mailbox, which has the account again. */
  async addUndone({ name, locale }: User, { address }: EmailAddress, transaction: Statements): Promise<void> {
    await this.mails.add(UNDONE, address, { to: { email: address, name, locale } }, transaction);
  }
}
