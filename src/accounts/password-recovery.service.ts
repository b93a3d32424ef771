import { Injectable } from '@nestjs/common';
import { CredentialChanges } from '../auth/credential-changes.js';
import { CredentialsService } from '../auth/credentials.service.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { OneTimeProof } from '../one-time-tokens/one-time-secrets.js';
import { OneTimeTokensService } from '../one-time-tokens/one-time-tokens.service.js';
import type { Ticket } from '../passwords/fair-queue.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** A new password for a user who proves their mailbox. The request for the mail: `reset-mails.service.ts`. */
@Injectable()
export class PasswordRecoveryService {
  constructor(
    private readonly oneTimeTokens: OneTimeTokensService,
    private readonly credentials: CredentialsService,
    private readonly users: UsersService,
    private readonly changes: CredentialChanges,
    private readonly revocations: RevocationsService,
  ) {}

  /**
   * Stores a new password, revokes every session and every other link, all or nothing. It signs nobody in. A password that is
   * not acceptable leaves the link valid. Resolves to the user. Throws `one_time_token_invalid`, `password_rejected`,
   * `hashing_busy`.
   */
  async reset(proof: OneTimeProof, newPassword: string, origin: RequestOrigin, ticket: Ticket): Promise<User> {
    const token = await this.oneTimeTokens.find(proof, ['reset_password']);
    const user = token?.userId ? await this.users.findById(token.userId) : null;
    if (!token || user?.status !== 'active') throw new Problem('one_time_token_invalid');
    const hash = await this.credentials.hashNew(newPassword, user, 'newPassword', ticket);
    const isReset = await this.revocations.transaction(async (transaction) => {
      await this.users.lock(user.id, transaction);
      if (!(await this.oneTimeTokens.redeem(token, transaction))) return false;
      const changed = await this.users.resetPassword(user.id, token.email, hash, transaction);
      if (!changed) return false;
      await this.changes.apply(
        { ...changed, emailCanonical: user.emailCanonical },
        { type: 'password_reset', origin },
        transaction,
      );
      return true;
    });
    if (!isReset) throw new Problem('one_time_token_invalid');
    return user;
  }
}
