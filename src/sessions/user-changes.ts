import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { UsersService } from '../users/users.service.js';
import { RevocationsService } from '../revocations/revocations.service.js';

/** For whoever changes what access tokens say of a user, or whether they have any: roles, status. */
@Injectable()
export class UserChanges {
  constructor(
    private readonly users: UsersService,
    private readonly revocations: RevocationsService,
    private readonly database: Database,
  ) {}

  /**
   * Makes the user's access tokens out of date in every process (401 `access_token_outdated`): a refresh brings one that
   * says what is true now, or is refused where the user is no longer active. Sessions go on.
   *
   * @param change what changes, in the same transaction: both or neither
   * @returns false when there is no such user; then nothing is changed
   */
  async userChanged(userId: string, change?: (manager: EntityManager) => Promise<unknown>): Promise<boolean> {
    const { ended } = await this.revocations.applyAfterCommit(() =>
      this.database.transaction(async (manager) => {
        const ver = await this.users.raiseVer(userId, manager);
        if (ver === null) return { ended: [] };
        await change?.(manager);
        return { ended: await this.revocations.outdateTokensOfUser(userId, ver, manager) };
      }),
    );
    return ended.length > 0;
  }
}
