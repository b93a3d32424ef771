import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database, type Parameter, type Statements } from '../database/database.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import type { SignInUser } from '../users/users.service.js';
import { dayAfter, RETURNING_COLUMNS, toLiveSession, type LiveSession, type SessionRow } from './session-row.js';
import type { Device } from './sessions.service.js';
import type { RevokedReason } from './session.entity.js';

/** A session that a statement revoked, and where it was started from. */
export interface RevokedSession {
  id: string;
  user_id: string;
  ip: string;
  user_agent: string;
}

/** The statements that start and revoke sessions. Those that move their generation: `rotation-statements.ts`. */
@Injectable()
export class SessionStatements {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Null when the token version or the status of the user changed. Locks the user's row on PostgreSQL. */
  async insert(user: SignInUser, device: Device, transaction: Statements): Promise<LiveSession | null> {
    const now = this.clock.now();
    const expiresAt = now + this.config.sessionTtlMs;
    const idleExpiresAt = Math.min(now + this.config.refreshIdleTtlMs, expiresAt);
    const [row] = await transaction.write<SessionRow>(
      `INSERT INTO sessions (id, user_id, generation, rotated_at, acknowledged_generation, created_at, expires_at,
         idle_expires_at, purge_on, ip, user_agent, delivery)
       SELECT $1::uuid, u.id, 1, $2::bigint, 0, $2::bigint, $3::bigint, $4::bigint, ${dayAfter('$4::bigint')}, $5::text,
         $6::text, $7::text
       FROM users u WHERE u.id = $8::uuid AND u.ver = $9::integer AND u.status = 'active' FOR NO KEY UPDATE
       RETURNING ${RETURNING_COLUMNS}`,
      // prettier-ignore
      [
        uuidv7(), now, expiresAt, idleExpiresAt, device.ip,
        device.userAgent.slice(0, 256), device.delivery, user.id, user.tokenVersion,
      ],
    );
    return row ? toLiveSession(row) : null;
  }

  /** Null where the session is not alive, or its user not active. */
  async reauthenticate(id: string, userId: string, transaction: Statements): Promise<LiveSession | null> {
    const [row] = await transaction.write<SessionRow>(
      `UPDATE sessions SET reauthenticated_at = $1::bigint
       WHERE id = $2::uuid AND user_id = $3::uuid
         AND revoked_at IS NULL AND expires_at > $1::bigint AND idle_expires_at > $1::bigint
       RETURNING ${RETURNING_COLUMNS}`,
      [this.clock.now(), id, userId],
    );
    return row?.status === 'active' ? toLiveSession(row) : null;
  }

  /** Of these sessions, the newest that is alive and whose user is active. */
  async findNewestAlive(ids: string[]): Promise<string | undefined> {
    const [alive] = await this.database.read<{ id: string }>(
      `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
       WHERE s.id IN ${this.database.table('$1', { id: 'uuid' })}
         AND s.revoked_at IS NULL AND s.expires_at > $2::bigint AND s.idle_expires_at > $2::bigint
       ORDER BY s.id DESC LIMIT 1`,
      [toTable(ids), this.clock.now()],
    );
    return alive?.id;
  }

  /** Of one user, or of any where none is given: only a token of the session itself allows that. */
  revokeOne(transaction: RevokingTransaction, reason: RevokedReason, id: string, userId?: string) {
    if (userId === undefined) return this.revoke(transaction, reason, 'id = $3::uuid', [id]);
    return this.revoke(transaction, reason, 'id = $3::uuid AND user_id = $4::uuid', [id, userId]);
  }

  revokeAllOf(transaction: RevokingTransaction, reason: RevokedReason, userId: string, exceptId?: string) {
    if (exceptId === undefined) return this.revoke(transaction, reason, 'user_id = $3::uuid', [userId]);
    return this.revoke(transaction, reason, 'user_id = $3::uuid AND id <> $4::uuid', [userId, exceptId]);
  }

  /** Those of these sessions that belong to the user. */
  async revokeListed(transaction: RevokingTransaction, reason: RevokedReason, userId: string, ids: string[]) {
    if (ids.length === 0) return [];
    // One statement locks the rows in the order in which everybody locks sessions: no deadlock.
    const where = `user_id = $3::uuid AND id IN ${this.database.table('$4', { id: 'uuid' })}`;
    return this.revoke(transaction, reason, where, [userId, toTable(ids)]);
  }

  /** Beyond MAX_SESSIONS_PER_USER, those first that were unused for longest, and never this one. */
  revokeBeyondCap(transaction: RevokingTransaction, { userId, id }: LiveSession) {
    const surplus = `id IN (
      SELECT r.id FROM (
        SELECT c.id, row_number() OVER (
          ORDER BY GREATEST(c.rotated_at, COALESCE(c.acknowledged_at, 0)) DESC, c.id DESC) AS place
        FROM sessions c
        WHERE c.user_id = $3::uuid AND c.id <> $4::uuid
          AND c.revoked_at IS NULL AND c.expires_at > $1::bigint AND c.idle_expires_at > $1::bigint
      ) r WHERE r.place >= $5::integer)`;
    return this.revoke(transaction, 'session_cap', surplus, [userId, id, this.config.maxSessionsPerUser]);
  }

  /** @param where SQL over the columns of `sessions`. `$1` is the time and `$2` the reason; `parameters` begin at `$3` */
  private async revoke(
    transaction: RevokingTransaction,
    reason: RevokedReason,
    where: string,
    parameters: Parameter[],
  ): Promise<RevokedSession[]> {
    const revoked = await transaction.write<RevokedSession>(
      `WITH alive AS (
         SELECT id AS alive_id FROM sessions
         WHERE revoked_at IS NULL AND expires_at > $1::bigint AND idle_expires_at > $1::bigint AND ${where}
         ORDER BY id FOR NO KEY UPDATE
       )
       UPDATE sessions SET revoked_at = $1::bigint, revoked_reason = $2, purge_on = ${dayAfter('$1::bigint')}
       WHERE id IN (SELECT alive_id FROM alive) AND revoked_at IS NULL
       RETURNING id, user_id, ip, user_agent`,
      [this.clock.now(), reason, ...parameters],
    );
    await transaction.revokeSessions(revoked.map(({ id }) => id));
    return revoked;
  }
}

function toTable(ids: string[]): string {
  return JSON.stringify(ids.map((id) => ({ id })));
}
