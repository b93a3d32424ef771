import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database, type Parameter, type StatementOptions } from '../database/database.js';
import { isStrict, type RotationPolicy } from './rotation.js';
import { dayAfter, RETURNING_COLUMNS, SELECT_COLUMNS, type SessionRow } from './session-row.js';

/** A refresh token as the rules see it. */
export interface Presentation {
  sessionId: string;
  generation: number;
}

/** A scalar subquery is a look-up by key; for an EXISTS, a planner without statistics scans all users. */
const ALIVE = `t.revoked_at IS NULL AND t.expires_at > $2::bigint AND t.idle_expires_at > $2::bigint
  AND (SELECT u.status FROM users u WHERE u.id = t.user_id) = 'active'`;

/**
 * The statements that move the generation of sessions. Each repeats the conditions of its rule in SQL, so that it is
 * atomic: the fast path of `rotation.ts`, never a second set of rules (`test/api/statements.spec.ts` holds them equal).
 */
@Injectable()
export class RotationStatements {
  readonly policy: RotationPolicy;
  private readonly idleTtl: number;

  constructor(
    config: Config,
    private readonly database: Database,
  ) {
    this.policy = { rotationInterval: config.rotationIntervalMs, leeway: config.leewayMs };
    this.idleTtl = config.refreshIdleTtlMs;
  }

  /**
   * Rule 3 for many presentations. Resolves to the rows that moved.
   *
   * @param now milliseconds since the epoch
   * @param options whether to pass over locked rows or to wait for them. A batch passes over them, so that one stuck row
   *   delays no other
   */
  rotateMany(presented: Presentation[], now: number, { skipLocked }: { skipLocked: boolean }): Promise<SessionRow[]> {
    const strict = isStrict(this.policy);
    const due = strict
      ? 't.generation = v.presented_generation'
      : `t.generation = v.presented_generation AND t.acknowledged_generation = v.presented_generation
         AND t.acknowledged_at <= $2::bigint - ${this.policy.rotationInterval}`;
    const acknowledge = strict ? ', acknowledged_generation = t.generation, acknowledged_at = $2::bigint' : '';
    return this.move(
      `generation = t.generation + 1, rotated_at = $2::bigint${acknowledge}`,
      `${due} AND ${ALIVE}`,
      skipLocked,
      [JSON.stringify(presented.map(toRow)), now],
      { keepPrepared: skipLocked },
    );
  }

  /** Rule 7: the row is older than a token that we signed. Resolves to the row if it moved. */
  async catchUp(presented: Presentation, now: number): Promise<SessionRow | undefined> {
    const [row] = await this.move(
      `generation = v.presented_generation + 1, acknowledged_generation = v.presented_generation,
       acknowledged_at = $2::bigint, rotated_at = $2::bigint`,
      `t.generation < v.presented_generation AND ${ALIVE}`,
      false,
      [JSON.stringify([toRow(presented)]), now],
    );
    return row;
  }

  /** The rows of these sessions, with what a refresh needs of their users. Unknown ids are left out. */
  readMany(sessionIds: string[]): Promise<SessionRow[]> {
    const wanted = this.database.table('$1', { wanted_id: 'uuid' });
    return this.database.read<SessionRow>(
      `SELECT ${SELECT_COLUMNS} FROM ${wanted} AS w
       JOIN sessions s ON s.id = w.wanted_id LEFT JOIN users u ON u.id = s.user_id`,
      [JSON.stringify(sessionIds.map((id) => ({ wanted_id: id })))],
    );
  }

  private move(
    set: string,
    where: string,
    skipLocked: boolean,
    parameters: Parameter[],
    options: StatementOptions = {},
  ): Promise<SessionRow[]> {
    const idleEnd = `LEAST($2::bigint + ${this.idleTtl}, t.expires_at)`;
    const sql = this.database.updateMany({
      table: 'sessions',
      values: this.database.table('$1', { presented_id: 'uuid', presented_generation: 'integer' }),
      key: 'presented_id',
      set: `${set}, idle_expires_at = ${idleEnd}, purge_on = ${dayAfter(idleEnd)}`,
      where,
      returning: RETURNING_COLUMNS,
      skipLocked,
    });
    return this.database.write<SessionRow>(sql, parameters, options);
  }
}

function toRow({ sessionId, generation }: Presentation) {
  return { presented_id: sessionId, presented_generation: generation };
}
