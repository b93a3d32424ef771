import type { Parameter, Statements } from '../database/database.js';
import { subjectOfSession, subjectOfUser } from './revocation-cache.js';
import type { Revocation } from './revocation.entity.js';

/** A revocation that has no time to expire yet. */
export type NewRevocation = Pick<Revocation, 'subject' | 'tokenVersion'>;

/** Statements of a transaction that may revoke access tokens. `RevocationsService` applies `revocations` after the commit. */
export class RevokingTransaction implements Statements {
  readonly revocations: Revocation[] = [];

  /** @param insert stores revocations in this transaction */
  constructor(
    private readonly statements: Statements,
    private readonly insert: (entries: NewRevocation[]) => Promise<Revocation[]>,
  ) {}

  read<Row>(sql: string, parameters?: Parameter[]): Promise<Row[]> {
    return this.statements.read(sql, parameters);
  }

  write<Row>(sql: string, parameters?: Parameter[]): Promise<Row[]> {
    return this.statements.write(sql, parameters);
  }

  afterCommit(then: () => void): void {
    this.statements.afterCommit(then);
  }

  /** Revokes the access tokens of these sessions. */
  async revokeSessions(sessionIds: string[]): Promise<void> {
    this.revocations.push(
      ...(await this.insert(sessionIds.map((id) => ({ subject: subjectOfSession(id), tokenVersion: 0 })))),
    );
  }

  /** Outdates the user's access tokens below a version. */
  async outdateTokensOfUser(userId: string, tokenVersion: number): Promise<void> {
    this.revocations.push(...(await this.insert([{ subject: subjectOfUser(userId), tokenVersion }])));
  }
}
