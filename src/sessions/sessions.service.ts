import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, MoreThan, Repository } from 'typeorm';
import { SecurityEvents, type NewSecurityEvent } from '../audit/security-events.js';
import { Clock } from '../clock/clock.js';
import type { Statements } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { Identity } from '../identity/identity.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import type { RevokingTransaction } from '../revocations/revoking-transaction.js';
import type { SignInUser } from '../users/users.service.js';
import type { LiveSession } from './session-row.js';
import { SessionStatements } from './session-statements.js';
import { Session, type RevokedReason, type SessionDelivery } from './session.entity.js';

/** Where a session is used from, for its owner to recognise it, and how its refresh tokens are delivered. */
export interface Device extends RequestOrigin {
  delivery: SessionDelivery;
}

/** Starts, lists and revokes sessions. What happens in between: `refresh.service.ts`. */
@Injectable()
export class SessionsService {
  constructor(
    @InjectRepository(Session) private readonly sessions: Repository<Session>,
    private readonly statements: SessionStatements,
    private readonly revocations: RevocationsService,
    private readonly events: SecurityEvents,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts a session. Null when the token version or the status of the user changed since the password was verified. On
   * PostgreSQL the user's row is locked meanwhile, so that a slow login with an old password cannot outlive the change of
   * that password. Records no event: its caller knows why it starts.
   */
  start(user: SignInUser, device: Device, transaction: Statements): Promise<LiveSession | null> {
    return this.statements.insert(user, device, transaction);
  }

  /**
   * Starts a session at a sign-in, as `start` does. Sessions beyond MAX_SESSIONS_PER_USER are revoked, those first that were
   * unused for longest. Records `sign_in`, `session_cap`, and `new_device` for a user who has signed in before, elsewhere.
   *
   * @param browser ids of its sessions: those of the same user are revoked; and whether the user has signed in on it before
   */
  signIn(
    user: SignInUser,
    device: Device,
    { replaced, isKnownDevice }: { replaced: string[]; isKnownDevice: boolean },
  ): Promise<LiveSession | null> {
    return this.revocations.transaction(async (transaction) => {
      const session = await this.start(user, device, transaction);
      if (!session) return null;
      const own = await this.statements.revokeListed(transaction, 'signed_in_again', user.id, replaced);
      const surplus = await this.statements.revokeBeyondCap(transaction, session);
      const common = { userId: user.id, origin: device };
      const details = { ...(own.length > 0 && { replacedSessions: own.length }) };
      const signIn: NewSecurityEvent = { type: 'sign_in', sessionId: session.id, details, ...common };
      const capped = surplus.map(({ id }): NewSecurityEvent => {
        return { type: 'session_cap', sessionId: id, details: { newSessionId: session.id }, ...common };
      });
      const isNewDevice = !isKnownDevice && (await this.events.has(user.id, 'sign_in', transaction));
      const newDevice: NewSecurityEvent[] = isNewDevice
        ? [{ type: 'new_device', sessionId: session.id, ...common }]
        : [];
      await this.events.recordAll([signIn, ...newDevice, ...capped], transaction);
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
    const alive = await this.statements.findNewestAlive(tokens.map(({ sessionId }) => sessionId));
    // An id is as old as its session (UUID v7).
    const newest = tokens.reduce((a, b) => (a.sessionId < b.sessionId ? b : a));
    return tokens.find(({ sessionId }) => sessionId === alive) ?? newest;
  }

  /** Null for an unknown session. */
  async findDelivery(id: string): Promise<SessionDelivery | null> {
    const session = await this.sessions.findOne({ select: { delivery: true }, where: { id } });
    return session?.delivery ?? null;
  }

  /**
   * Notes that the caller authenticated again in their session, and records `reauthenticated`. The session with its newest
   * tokens, or null where it is not alive.
   */
  reauthenticate({ sessionId, userId }: Identity, origin: RequestOrigin): Promise<LiveSession | null> {
    return this.revocations.transaction(async (transaction) => {
      const session = await this.statements.reauthenticate(sessionId, userId, transaction);
      if (session) await this.events.record({ type: 'reauthenticated', userId, sessionId, origin }, transaction);
      return session;
    });
  }

  /** Revokes a session whose client signs out, and records `logout`. Nothing happens where it is not alive any more. */
  logout(sessionId: string, userId: string, origin: RequestOrigin): Promise<void> {
    return this.revocations.transaction(async (transaction) => {
      const [revoked] = await this.statements.revokeOne(transaction, 'logout', sessionId, userId);
      if (revoked) await this.events.record({ type: 'logout', userId, sessionId, origin }, transaction);
    });
  }

  /** Revokes a session of the caller, and records `session_revoked`. False when the caller has no such session alive. */
  revokeOwn(sessionId: string, caller: Identity, origin: RequestOrigin): Promise<boolean> {
    const { userId, sessionId: bySessionId } = caller;
    return this.revocations.transaction(async (transaction) => {
      const [revoked] = await this.statements.revokeOne(transaction, 'ended_by_user', sessionId, userId);
      if (!revoked) return false;
      const event = { userId, sessionId, origin, details: { bySessionId } };
      await this.events.record({ type: 'session_revoked', ...event }, transaction);
      return true;
    });
  }

  /** Revokes all sessions of the caller, or all others, and records `sessions_revoked` with their number. */
  revokeAllOwn(caller: Identity, which: 'all' | 'others', origin: RequestOrigin): Promise<void> {
    const { userId, sessionId } = caller;
    return this.revocations.transaction(async (transaction) => {
      const except = which === 'others' ? sessionId : undefined;
      const { length: sessions } = await this.statements.revokeAllOf(transaction, 'ended_by_user', userId, except);
      if (sessions === 0) return;
      const event = { userId, sessionId, origin, details: { which, sessions } };
      await this.events.record({ type: 'sessions_revoked', ...event }, transaction);
    });
  }

  /**
   * Revokes a session whose refresh token was replayed, and records `reuse_detected` with both devices: the origin is that
   * of the replay, and the details have that of the session. False when it is not alive any more.
   */
  revokeReused(sessionId: string, origin: RequestOrigin): Promise<boolean> {
    return this.revocations.transaction(async (transaction) => {
      const [revoked] = await this.statements.revokeOne(transaction, 'reused', sessionId);
      if (!revoked) return false;
      const { user_id: userId, ip: sessionIp, user_agent: sessionUserAgent } = revoked;
      const event = { userId, sessionId, origin, details: { sessionIp, sessionUserAgent } };
      await this.events.record({ type: 'reuse_detected', ...event }, transaction);
      return true;
    });
  }

  /**
   * Revokes every session of a user whose credentials change, in the caller's transaction, which has locked the user's row
   * and records the event.
   *
   * @returns how many were revoked
   */
  async revokeAllInTransaction(
    user: SignInUser,
    reason: RevokedReason,
    transaction: RevokingTransaction,
  ): Promise<number> {
    const { length: revoked } = await this.statements.revokeAllOf(transaction, reason, user.id);
    await transaction.outdateTokensOfUser(user.id, user.tokenVersion);
    return revoked;
  }
}
