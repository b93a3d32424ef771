import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database, type Parameter, type Statements } from '../database/database.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import type { SignInUser } from '../users/users.service.js';
import { dayAfter, RETURNING_COLUMNS, toLiveSession, type LiveSession, type SessionRow } from './session-row.js';
import { Session, type RevokedReason, type SessionDelivery } from './session.entity.js';

/** Where a session is used from, for its owner to recognise it, and how its refresh tokens are delivered. */
export interface Device {
  ip: string;
  userAgent: string;
  delivery: SessionDelivery;
}

/** Starts, lists and revokes sessions. What happens in between: `refresh.service.ts`. */
@Injectable()
export class SessionsService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly database: Database,
    private readonly revocations: RevocationsService,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts a session. Null when the token version or the status of the user changed since the password was verified. On
   * PostgreSQL the user's row is locked meanwhile, so that a slow login with an old password cannot outlive the change of
   * that password.
   */
  async start(user: SignInUser, device: Device, transaction: Statements): Promise<LiveSession | null> {
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

  /**
   * Starts a session at a sign-in, as `start` does. Sessions beyond MAX_SESSIONS_PER_USER are revoked, those first that were
   * unused for longest.
   *
   * @param replaced ids of the sessions of this browser: those of the same user are revoked
   */
  signIn(user: SignInUser, device: Device, replaced: string[]): Promise<LiveSession | null> {
    return this.revocations.transaction(async (transaction) => {
      const session = await this.start(user, device, transaction);
      if (!session) return null;
      await this.revokeReplaced(session, replaced, transaction);
      await this.revokeBeyondCap(session, transaction);
      return session;
    });
  }

  /** The sessions of the user that are alive, newest first. */
  findAlive(userId: string): Promise<Session[]> {
    const now = this.clock.now();
    return this.sessions.find({
      where: { userId, revokedAt: IsNull(), expiresAt: MoreThan(now), idleExpiresAt: MoreThan(now) },
      order: { createdAt: 'DESC', id: 'DESC' },
    });
  }

  /** All sessions of the user that are stored, newest first. */
  findAll(userId: string): Promise<Session[]> {
    return this.sessions.find({ where: { userId }, order: { createdAt: 'DESC', id: 'DESC' } });
  }

  /**
   * Of tokens of several sessions the one of the newest session that is alive and whose user is active; if none is, the one
   * of the newest session, whose refusal says why. Reads the database only when there are several.
   */
  async newestOf<Token extends { sessionId: string }>(tokens: readonly [Token, ...Token[]]): Promise<Token> {
    if (tokens.length === 1) return tokens[0];
    const [alive] = await this.database.read<{ id: string }>(
      `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
       WHERE s.id IN ${this.database.table('$1', { id: 'uuid' })}
         AND s.revoked_at IS NULL AND s.expires_at > $2::bigint AND s.idle_expires_at > $2::bigint
       ORDER BY s.id DESC LIMIT 1`,
      [JSON.stringify(tokens.map(({ sessionId }) => ({ id: sessionId }))), this.clock.now()],
    );
    // An id is as old as its session (UUID v7).
    const newest = tokens.reduce((a, b) => (a.sessionId < b.sessionId ? b : a));
    return tokens.find(({ sessionId }) => sessionId === alive?.id) ?? newest;
  }

  /** Null for an unknown session. */
  async findDelivery(id: string): Promise<SessionDelivery | null> {
    const session = await this.sessions.findOne({ select: { delivery: true }, where: { id } });
    return session?.delivery ?? null;
  }

  /** Notes that the user authenticated again. The session with its newest tokens, or null where it is not alive. */
  async reauthenticate(id: string, userId: string): Promise<LiveSession | null> {
    const [row] = await this.database.write<SessionRow>(
      `UPDATE sessions SET reauthenticated_at = $1::bigint
       WHERE id = $2::uuid AND user_id = $3::uuid
         AND revoked_at IS NULL AND expires_at > $1::bigint AND idle_expires_at > $1::bigint
       RETURNING ${RETURNING_COLUMNS}`,
      [this.clock.now(), id, userId],
    );
    return row?.status === 'active' ? toLiveSession(row) : null;
  }

  /** Revokes a session of this user. False when the user has no such session that is alive. */
  async revoke(sessionId: string, userId: string, reason: RevokedReason): Promise<boolean> {
    const where = 'id = $3::uuid AND user_id = $4::uuid';
    return (await this.revokeWhere(where, [sessionId, userId], reason)) > 0;
  }

  /** Revokes a session whose refresh token was replayed. False when it is not alive any more. */
  async revokeReused(sessionId: string): Promise<boolean> {
    return (await this.revokeWhere('id = $3::uuid', [sessionId], 'reused')) > 0;
  }

  /** Revokes every session of the user, except one if it is named. */
  async revokeAllForUser(userId: string, reason: RevokedReason, exceptSessionId?: string): Promise<void> {
    if (exceptSessionId === undefined) await this.revokeWhere('user_id = $3::uuid', [userId], reason);
    else await this.revokeWhere('user_id = $3::uuid AND id <> $4::uuid', [userId, exceptSessionId], reason);
  }

  /** Revokes every session of a user whose credentials change, in the caller's transaction, which has locked the user's row. */
  async revokeAllInTransaction(
    user: SignInUser,
    reason: RevokedReason,
    transaction: RevokingTransaction,
  ): Promise<void> {
    await this.revokeIn(transaction, 'user_id = $3::uuid', [user.id], reason);
    await transaction.outdateTokensOfUser(user.id, user.tokenVersion);
  }

  private async revokeReplaced(
    { userId }: LiveSession,
    replaced: string[],
    transaction: RevokingTransaction,
  ): Promise<void> {
    if (replaced.length === 0) return;
    // One statement locks the rows in the order in which everybody locks sessions: no deadlock.
    const where = `user_id = $3::uuid AND id IN ${this.database.table('$4', { id: 'uuid' })}`;
    const ids = JSON.stringify(replaced.map((id) => ({ id })));
    await this.revokeIn(transaction, where, [userId, ids], 'signed_in_again');
  }

  private async revokeBeyondCap({ userId, id }: LiveSession, transaction: RevokingTransaction): Promise<void> {
    const surplus = `id IN (
      SELECT r.id FROM (
        SELECT c.id, row_number() OVER (
          ORDER BY GREATEST(c.rotated_at, COALESCE(c.acknowledged_at, 0)) DESC, c.id DESC) AS place
        FROM sessions c
        WHERE c.user_id = $3::uuid AND c.id <> $4::uuid
          AND c.revoked_at IS NULL AND c.expires_at > $1::bigint AND c.idle_expires_at > $1::bigint
      ) r WHERE r.place >= $5::integer)`;
    await this.revokeIn(transaction, surplus, [userId, id, this.config.maxSessionsPerUser], 'session_cap');
  }

  private revokeWhere(where: string, parameters: Parameter[], reason: RevokedReason): Promise<number> {
    return this.revocations.transaction((transaction) => this.revokeIn(transaction, where, parameters, reason));
  }

  /**
   * @param where SQL over the columns of `sessions`. `$1` is the current time and `$2` the reason; `parameters` begin at `$3`
   * @returns how many sessions were revoked
   */
  private async revokeIn(
    transaction: RevokingTransaction,
    where: string,
    parameters: Parameter[],
    reason: RevokedReason,
  ): Promise<number> {
    const revoked = await transaction.write<{ id: string }>(
      `WITH alive AS (
         SELECT id AS alive_id FROM sessions
         WHERE revoked_at IS NULL AND expires_at > $1::bigint AND idle_expires_at > $1::bigint AND ${where}
         ORDER BY id FOR NO KEY UPDATE
       )
       UPDATE sessions SET revoked_at = $1::bigint, revoked_reason = $2, purge_on = ${dayAfter('$1::bigint')}
       WHERE id IN (SELECT alive_id FROM alive) AND revoked_at IS NULL
       RETURNING id`,
      [this.clock.now(), reason, ...parameters],
    );
    await transaction.revokeSessions(revoked.map(({ id }) => id));
    return revoked.length;
  }
}
