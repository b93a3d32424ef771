import { Injectable } from '@nestjs/common';
import type { Statements } from '../database/database.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { UsersService } from '../users/users.service.js';

/** Changes of what access tokens say about a user, or of whether the user may have any: roles, status. */
@Injectable()
export class UserChangesService {
  constructor(
    private readonly users: UsersService,
    private readonly revocations: RevocationsService,
  ) {}

  /**
   * Makes a change and outdates the user's access tokens in every process (401 `access_token_outdated`), both or neither. A
   * refresh brings a token with the new facts, or is refused where the user is no longer active. Sessions stay alive.
   *
   * @param change runs in the same transaction
   * @returns false when there is no such user; then nothing is changed
   */
  applyChange(userId: string, change?: (transaction: Statements) => Promise<unknown>): Promise<boolean> {
    return this.revocations.transaction(async (transaction) => {
      const tokenVersion = await this.users.incrementTokenVersion(userId, transaction);
      if (tokenVersion === null) return false;
      await change?.(transaction);
      await transaction.outdateTokensOfUser(userId, tokenVersion);
      return true;
    });
  }
}
