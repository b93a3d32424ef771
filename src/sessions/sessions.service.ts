import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, MoreThan, Repository } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database, type Parameter } from '../database/database.js';
import type { NewUser } from '../users/users.service.js';
import type { Revocation } from '../revocations/revocation.entity.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { dayAfter, RETURNING_COLUMNS, toLiveSession, type LiveSession, type SessionRow } from './session-row.js';
import { Session, type RevokedReason, type SessionDelivery } from './session.entity.js';

/** Where a session is used from, for its owner to recognise it, and how its refresh tokens get there. */
export interface Device {
  ip: string;
  userAgent: string;
  delivery: SessionDelivery;
}

/** How sessions begin and end. What happens in between: `refresh.service.ts`. */
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
   * Begins a session, if the user is still as they were when the password was checked: null when their `ver` or status
   * has changed since. On PostgreSQL the user's row is locked meanwhile, so that a slow login with an old password
   * cannot outlive the change that made it old.
   */
  async begin(user: Pick<NewUser, 'id' | 'ver'>, device: Device, manager?: EntityManager): Promise<LiveSession | null> {
    const now = this.clock.now();
    const expiresAt = now + this.config.sessionTtlMs;
    const idleExpiresAt = Math.min(now + this.config.refreshIdleTtlMs, expiresAt);
    const [row] = await this.database.rows<SessionRow>(
      `INSERT INTO sessions (id, user_id, generation, rotated_at, acknowledged_generation, created_at, expires_at,
         idle_expires_at, purge_on, ip, user_agent, delivery)
       SELECT $1::uuid, u.id, 1, $2::bigint, 0, $3::bigint, $4::bigint, $5::bigint, ${dayAfter('$5::bigint')}, $6::text,
         $7::text, $8::text
       FROM users u WHERE u.id = $9::uuid AND u.ver = $10::integer AND u.status = 'active' FOR NO KEY UPDATE
       RETURNING ${RETURNING_COLUMNS}`,
      // prettier-ignore
      [
        uuidv7(), now, now, expiresAt, idleExpiresAt,
        device.ip, device.userAgent.slice(0, 256), device.delivery, user.id, user.ver,
      ],
      manager,
    );
    return row ? toLiveSession(row) : null;
  }

  /**
   * Begins a session at a sign-in, as `begin` does; where the user then has more than MAX_SESSIONS_PER_USER, those that
   * were unused for longest end.
   *
   * @param replaced sessions of this browser, whoever's they are: those of the same user end
   */
  async signIn(
    user: Pick<NewUser, 'id' | 'ver'>,
    device: Device,
    replaced: string[] = [],
  ): Promise<LiveSession | null> {
    const { session } = await this.revocations.applyAfterCommit(() =>
      this.database.transaction(async (manager) => {
        const session = await this.begin(user, device, manager);
        if (!session) return { session, ended: [] };
        const ended = await this.endReplaced(session, replaced, manager);
        return { session, ended: [...ended, ...(await this.endBeyondCap(session, manager))] };
      }),
    );
    return session;
  }

  private endReplaced({ userId }: LiveSession, replaced: string[], manager: EntityManager): Promise<Revocation[]> {
    if (replaced.length === 0) return Promise.resolve([]);
    // In one statement, which locks them in the order that everybody locks sessions in.
    const where = `user_id = $3::uuid AND id IN ${this.database.table('$4', { id: 'uuid' })}`;
    return this.endIn(manager, 'signed_in_again', where, [userId, JSON.stringify(replaced.map((id) => ({ id })))]);
  }

  private endBeyondCap({ userId, id }: LiveSession, manager: EntityManager): Promise<Revocation[]> {
    const surplus = `id IN (
      SELECT r.id FROM (
        SELECT c.id, row_number() OVER (
          ORDER BY GREATEST(c.rotated_at, COALESCE(c.acknowledged_at, 0)) DESC, c.id DESC) AS place
        FROM sessions c
        WHERE c.user_id = $3::uuid AND c.id <> $4::uuid
          AND c.revoked_at IS NULL AND c.expires_at > $1::bigint AND c.idle_expires_at > $1::bigint
      ) r WHERE r.place >= $5::integer)`;
    return this.endIn(manager, 'session_cap', surplus, [userId, id, this.config.maxSessionsPerUser]);
  }

  /** The user's living sessions, newest first. */
  list(userId: string): Promise<Session[]> {
    const now = this.clock.now();
    return this.sessions.find({
      where: { userId, revokedAt: IsNull(), expiresAt: MoreThan(now), idleExpiresAt: MoreThan(now) },
      order: { createdAt: 'DESC', id: 'DESC' },
    });
  }

  /** Of these sessions the newest that lives, and whose user is active. */
  async newestLiving(ids: string[]): Promise<string | null> {
    const [session] = await this.database.rows<{ id: string }>(
      `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active'
       WHERE s.id IN ${this.database.table('$1', { id: 'uuid' })}
         AND s.revoked_at IS NULL AND s.expires_at > $2::bigint AND s.idle_expires_at > $2::bigint
       ORDER BY s.id DESC LIMIT 1`,
      [JSON.stringify(ids.map((id) => ({ id }))), this.clock.now()],
    );
    return session?.id ?? null;
  }

  async deliveryOf(id: string): Promise<SessionDelivery> {
    const session = await this.sessions.findOne({ select: { delivery: true }, where: { id } });
    return session?.delivery ?? 'body';
  }

  /** Ends a session of this user. False when they have no such living session. */
  async end(sessionId: string, userId: string, reason: RevokedReason): Promise<boolean> {
    const where = 'id = $3::uuid AND user_id = $4::uuid';
    return (await this.endAndRemember(reason, where, [sessionId, userId])) > 0;
  }

  /** Ends a session that two hold. False when it has ended already. */
  async endReused(sessionId: string): Promise<boolean> {
    return (await this.endAndRemember('reused', 'id = $3::uuid', [sessionId])) > 0;
  }

  /** Ends every session of the user, but for one if it is named. */
  async revokeAllForUser(userId: string, reason: RevokedReason, exceptSessionId?: string): Promise<void> {
    if (exceptSessionId === undefined) await this.endAndRemember(reason, 'user_id = $3::uuid', [userId]);
    else await this.endAndRemember(reason, 'user_id = $3::uuid AND id <> $4::uuid', [userId, exceptSessionId]);
  }

  /**
   * The part of a change of credentials that concerns sessions: ends them all in the caller's transaction, which has
   * locked the user's row. That transaction runs in `RevocationsService.applyAfterCommit`.
   */
  async revokeAllIn(manager: EntityManager, user: NewUser, reason: RevokedReason): Promise<Revocation[]> {
    const ended = await this.endIn(manager, reason, 'user_id = $3::uuid', [user.id]);
    return [...ended, ...(await this.revocations.outdateTokensOfUser(user.id, user.ver, manager))];
  }

  private async endAndRemember(reason: RevokedReason, where: string, parameters: Parameter[]): Promise<number> {
    const { ended } = await this.revocations.applyAfterCommit(() =>
      this.database.transaction(async (manager) => ({ ended: await this.endIn(manager, reason, where, parameters) })),
    );
    return ended.length;
  }

  private async endIn(
    manager: EntityManager,
    reason: RevokedReason,
    where: string,
    parameters: Parameter[],
  ): Promise<Revocation[]> {
    const ended = await this.database.rows<{ id: string }>(
      `WITH ending AS (
         SELECT id AS ending_id FROM sessions
         WHERE revoked_at IS NULL AND expires_at > $1::bigint AND idle_expires_at > $1::bigint AND ${where}
         ORDER BY id FOR NO KEY UPDATE
       )
       UPDATE sessions SET revoked_at = $1::bigint, revoked_reason = $2, purge_on = ${dayAfter('$1::bigint')}
       WHERE id IN (SELECT ending_id FROM ending) AND revoked_at IS NULL
       RETURNING id`,
      [this.clock.now(), reason, ...parameters],
      manager,
    );
    const ids = ended.map(({ id }) => id);
    return this.revocations.revokeSessions(ids, manager);
  }
}
