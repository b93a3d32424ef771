import { Injectable, Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { Clock } from '../clock/clock.js';
import type { RequestOrigin } from '../http/request-origin.js';
import { Problem } from '../problem/problem.js';
import type { PresentedRefreshToken } from '../tokens/refresh-token-verifier.js';
import { RefreshMetrics } from './refresh-metrics.js';
import type { RefreshCredential, RefreshOutcome } from './refresh-outcome.js';
import { isLate, keyOf, RotationBatches, type PendingPresentation } from './rotation-batches.js';
import type { Presentation } from './rotation-statements.js';
import { judge } from './rotation.js';
import { toLiveSession, toState, type SessionRow } from './session-row.js';
import { SessionWriteBuffer } from './session-write-buffer.js';
import { SessionsService } from './sessions.service.js';

const MAX_ATTEMPTS = 3;

interface Arrival extends PendingPresentation {
  userId: string;
  /** By the clock of the rules, in milliseconds since the epoch. */
  arrivedAt: number;
  origin: RequestOrigin;
}

/**
 * A refresh, from the presented credential to its outcome: first the batched write that most refreshes need (rule 3); if
 * that did not apply, a batched read, and `rotation.ts` judges.
 */
@Injectable()
export class RefreshService {
  private readonly logger = new Logger(RefreshService.name);
  private readonly inFlight = new Map<string, Promise<RefreshOutcome>>();
  /** A statement that waits for a locked row occupies a connection meanwhile: never all of them. */
  private readonly fewAtOnce = pLimit(2);

  constructor(
    private readonly batches: RotationBatches,
    private readonly sessions: SessionsService,
    private readonly writeBuffer: SessionWriteBuffer,
    private readonly clock: Clock,
    private readonly metrics: RefreshMetrics,
  ) {}

  /** Throws `refresh_busy` and `database_unavailable`, which are not terminal. Everything else is a value. */
  refresh(credential: RefreshCredential, origin: RequestOrigin): Promise<RefreshOutcome> {
    return this.metrics.count(this.decide(credential, origin));
  }

  private async decide(credential: RefreshCredential, origin: RequestOrigin): Promise<RefreshOutcome> {
    if (credential.kind === 'rejected') return { outcome: 'rejected', problem: credential.problem };
    const arrival = { since: performance.now(), arrivedAt: this.clock.now(), origin };
    const { sessionId, userId, generation, expiresAt } = await this.sessions.newestOf(credential.tokens);
    if (this.clock.now() >= expiresAt) {
      return { outcome: 'refused', sessionId, userId, because: 'expired_absolute', revokedReason: null };
    }
    return this.singleFlight({ sessionId, userId, generation, ...arrival });
  }

  /** Equal presentations share an outcome. */
  private singleFlight(presented: Arrival): Promise<RefreshOutcome> {
    const key = keyOf(presented);
    const same = this.inFlight.get(key);
    if (same) return same;
    const outcome = this.rotateOrJudge(presented).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, outcome);
    return outcome;
  }

  private async rotateOrJudge(presented: Arrival): Promise<RefreshOutcome> {
    const rotated = await this.batches.rotate(presented);
    if (rotated) return { outcome: 'rotated', session: toLiveSession(rotated) };

    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      assertInTime(presented);
      const row = await this.batches.read(presented.sessionId);
      assertInTime(presented);
      const outcome = await this.applyRules(row, presented);
      if (outcome) return outcome;
    }
    throw new Problem('refresh_busy');
  }

  /** Null when the row moved in between: read and judge again. */
  private async applyRules(row: SessionRow | null, presented: Arrival): Promise<RefreshOutcome | null> {
    const { sessionId, userId, generation, arrivedAt } = presented;
    const now = this.clock.now();
    const judgeAt = (time: number) => judge(row && toState(row), generation, time, this.batches.policy);
    // The server's own delay is no reuse: a token that arrived in time is in time.
    const atNow = judgeAt(now);
    const verdict = atNow.outcome === 'reused' ? judgeAt(arrivedAt) : atNow;
    switch (verdict.outcome) {
      case 'refused':
        return { ...verdict, sessionId, userId };
      case 'unchanged': {
        const session = toLiveSession(row!);
        if (verdict.acknowledges) {
          this.writeBuffer.acknowledgeAgain(sessionId, generation);
          session.idleExpiresAt = await this.writeBuffer.extendIdle(session, now);
        }
        return { outcome: 'unchanged', session };
      }
      case 'resend': {
        const session = toLiveSession(row!);
        if (verdict.extendsIdle) session.idleExpiresAt = await this.writeBuffer.extendIdle(session, now);
        return { outcome: 'resent', session };
      }
      case 'rotate':
        return this.fewAtOnce(() => (verdict.behind ? this.catchUp(presented) : this.rotateAlone(presented)));
      case 'reused':
        return this.fewAtOnce(() => this.revokeReused(presented));
    }
  }

  private async rotateAlone(presented: Presentation): Promise<RefreshOutcome | null> {
    const moved = await this.batches.rotateAlone(presented);
    return moved ? { outcome: 'rotated', session: toLiveSession(moved) } : null;
  }

  private async catchUp(presented: Presentation): Promise<RefreshOutcome | null> {
    this.logger.warn(`database_behind: the row of session ${presented.sessionId} was older than its token`);
    const moved = await this.batches.catchUp(presented);
    if (!moved) return null;
    this.metrics.countDatabaseBehind();
    return { outcome: 'rotated', session: toLiveSession(moved) };
  }

  private async revokeReused({ sessionId, userId, origin }: Arrival): Promise<RefreshOutcome | null> {
    const revoked = await this.sessions.revokeReused(sessionId, origin);
    if (!revoked) return null;
    this.logger.warn(`refresh_token_reused: revoked session ${sessionId} of user ${userId}`);
    return { outcome: 'reused', sessionId, userId };
  }

  /**
   * The idle limit of a session, in milliseconds since the epoch; null if a refresh with this token would
   * fail. Changes nothing, except that the newest generation is acknowledged. Throws `database_unavailable`.
   */
  async idleExpiryIfRefreshable({ sessionId, generation }: PresentedRefreshToken): Promise<number | null> {
    const row = await this.batches.read(sessionId);
    const { outcome } = judge(row && toState(row), generation, this.clock.now(), this.batches.policy);
    if (outcome === 'refused' || outcome === 'reused') return null;
    if (row!.generation === generation) this.writeBuffer.acknowledge(sessionId, generation);
    return row!.idle_expires_at;
  }
}

function assertInTime(presented: PendingPresentation): void {
  if (isLate(presented)) throw new Problem('refresh_busy');
}
