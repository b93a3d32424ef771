import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database, type Parameter } from '../database/database.js';
import { isStrict, type RotationPolicy } from './rotation.js';
import { dayAfter, RETURNING_COLUMNS, SELECT_COLUMNS, type SessionRow } from './session-row.js';

/** A refresh token as the rules see it. */
export interface Presentation {
  sessionId: string;
  generation: number;
}

/** A subquery for one value is looked up by key; of an EXISTS a planner without statistics makes a scan of all users. */
const ALIVE = `t.revoked_at IS NULL AND t.expires_at > $2::bigint AND t.idle_expires_at > $2::bigint
  AND (SELECT u.status FROM users u WHERE u.id = t.user_id) = 'active'`;

/**
 * The statements that move a session's generation. Each says its rule's conditions again in SQL, so that it is atomic:
 * the fast path of `rotation.ts`, never a second rule book (`test/api/statements.spec.ts` holds them equal).
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
   * Rule 3 for many at once; answers the rows that it moved. `wait` for rows that somebody else holds, or skip them:
   * a batch skips, so that one stuck row holds up nobody else.
   */
  rotate(presented: Presentation[], now: number, wait: boolean): Promise<SessionRow[]> {
    const strict = isStrict(this.policy);
    const due = strict
      ? 't.generation = v.presented_generation'
      : `t.generation = v.presented_generation AND t.acknowledged_generation = v.presented_generation
         AND t.acknowledged_at <= $2::bigint - ${this.policy.rotationInterval}`;
    const acknowledge = strict ? ', acknowledged_generation = t.generation, acknowledged_at = $2::bigint' : '';
    return this.move(
      `generation = t.generation + 1, rotated_at = $2::bigint${acknowledge}`,
      `${due} AND ${ALIVE}`,
      !wait,
      [JSON.stringify(presented.map(toRow)), now],
    );
  }

  /** Rule 7: the row is older than a token we signed. Answers the row if it moved. */
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

  /** The sessions as they are, with what they need of their users; missing ones are missing. */
  read(sessionIds: string[]): Promise<SessionRow[]> {
    const wanted = this.database.table('$1', { wanted_id: 'uuid' });
    return this.database.rows<SessionRow>(
      `SELECT ${SELECT_COLUMNS} FROM ${wanted} AS w
       JOIN sessions s ON s.id = w.wanted_id LEFT JOIN users u ON u.id = s.user_id`,
      [JSON.stringify(sessionIds.map((id) => ({ wanted_id: id })))],
    );
  }

  private move(set: string, where: string, skipLocked: boolean, parameters: Parameter[]): Promise<SessionRow[]> {
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
    return this.database.rows<SessionRow>(sql, parameters);
  }
}

function toRow({ sessionId, generation }: Presentation) {
  return { presented_id: sessionId, presented_generation: generation };
}
