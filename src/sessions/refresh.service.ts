import { Injectable, Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { Clock } from '../clock/clock.js';
import { Batcher } from '../database/batcher.js';
import { mayBeOneRow } from '../database/database-errors.js';
import { Problem } from '../problem/problem.js';
import type { PresentedRefreshToken } from '../tokens/refresh-token.service.js';
import { RefreshMetrics } from './refresh-metrics.js';
import type { RefreshCredential, RefreshOutcome } from './refresh-outcome.js';
import { RotationStatements, type Presentation } from './rotation-statements.js';
import { judge } from './rotation.js';
import { toLiveSession, toState, type SessionRow } from './session-row.js';
import { SessionWriteBuffer } from './session-write-buffer.js';
import { SessionsService } from './sessions.service.js';

/** A presentation that waited longer is not judged: the rules rely on requests that arrive in time. */
const MAX_WAIT_MS = 10_000;
const MAX_ATTEMPTS = 3;

interface PendingPresentation extends Presentation {
  /** By the monotonic clock, in milliseconds. */
  since: number;
  /** By the clock of the rules, in milliseconds since the epoch. */
  arrivedAt: number;
}

/**
 * A refresh, from the presented credential to its outcome: first the batched write that most refreshes need (rule 3); if
 * that did not apply, a batched read, and `rotation.ts` judges.
 */
@Injectable()
export class RefreshService {
  private readonly logger = new Logger(RefreshService.name);
  private readonly rotations = new Batcher({
    run: (batch: PendingPresentation[]) => this.rotateBatch(batch),
    keyOf,
    mayFailAlone: mayBeOneRow,
  });
  private readonly reads = new Batcher({
    run: (ids: string[]) => this.readBatch(ids),
    keyOf: String,
    mayFailAlone: () => false,
  });
  private readonly inFlight = new Map<string, Promise<RefreshOutcome>>();
  /** A statement that waits for a locked row occupies a connection meanwhile: never all of them. */
  private readonly fewAtOnce = pLimit(2);

  constructor(
    private readonly statements: RotationStatements,
    private readonly sessions: SessionsService,
    private readonly writeBuffer: SessionWriteBuffer,
    private readonly clock: Clock,
    private readonly metrics: RefreshMetrics,
  ) {}

  /** Throws `refresh_busy` and `database_unavailable`, which are not terminal. Everything else is a value. */
  refresh(credential: RefreshCredential): Promise<RefreshOutcome> {
    return this.metrics.count(this.decide(credential));
  }

  private async decide(credential: RefreshCredential): Promise<RefreshOutcome> {
    if (credential.kind === 'refused') return { outcome: 'rejected', problem: credential.problem };
    const arrival = { since: performance.now(), arrivedAt: this.clock.now() };
    const { sessionId, generation, expiresAt } = await this.sessions.newestOf(credential.tokens);
    if (this.clock.now() >= expiresAt) {
      return { outcome: 'refused', sessionId, because: 'expired_absolute', revokedReason: null };
    }
    return this.singleFlight({ sessionId, generation, ...arrival });
  }

  /** Equal presentations share an outcome. */
  private singleFlight(presented: PendingPresentation): Promise<RefreshOutcome> {
    const key = keyOf(presented);
    const same = this.inFlight.get(key);
    if (same) return same;
    const outcome = this.rotateOrJudge(presented).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, outcome);
    return outcome;
  }

  private async rotateOrJudge(presented: PendingPresentation): Promise<RefreshOutcome> {
    const rotated = await this.rotations.submit(presented);
    if (rotated) return { outcome: 'rotated', session: toLiveSession(rotated) };

    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      assertInTime(presented);
      const row = await this.reads.submit(presented.sessionId);
      assertInTime(presented);
      const outcome = await this.applyRules(row, presented);
      if (outcome) return outcome;
    }
    throw new Problem('refresh_busy');
  }

  /** Null when the row moved in between: read and judge again. */
  private async applyRules(row: SessionRow | null, presented: PendingPresentation): Promise<RefreshOutcome | null> {
    const { sessionId, generation, arrivedAt } = presented;
    const now = this.clock.now();
    const judgeAt = (time: number) => judge(row && toState(row), generation, time, this.statements.policy);
    // The server's own delay is no reuse: a token that arrived in time is in time.
    const atNow = judgeAt(now);
    const verdict = atNow.outcome === 'reused' ? judgeAt(arrivedAt) : atNow;
    switch (verdict.outcome) {
      case 'refused':
        return { ...verdict, sessionId };
      case 'unchanged': {
        const session = toLiveSession(row!);
        if (verdict.acknowledges) {
          this.writeBuffer.acknowledgeAgain(sessionId, generation);
          session.idleExpiresAt = this.writeBuffer.extendIdle(session, now);
        }
        return { outcome: 'unchanged', session };
      }
      case 'resend': {
        const session = toLiveSession(row!);
        if (verdict.extendsIdle) session.idleExpiresAt = this.writeBuffer.extendIdle(session, now);
        return { outcome: 'resent', session };
      }
      case 'rotate':
        return this.fewAtOnce(() => (verdict.behind ? this.catchUp(presented) : this.rotateAlone(presented)));
      case 'reused':
        return this.fewAtOnce(() => this.revokeReused(sessionId, row!.user_id));
    }
  }

  private async rotateAlone(presented: Presentation): Promise<RefreshOutcome | null> {
    const [moved] = await this.statements.rotateMany([presented], this.clock.now(), { skipLocked: false });
    return moved ? { outcome: 'rotated', session: toLiveSession(moved) } : null;
  }

  private async catchUp(presented: Presentation): Promise<RefreshOutcome | null> {
    this.logger.warn(`database_behind: the row of session ${presented.sessionId} was older than its token`);
    const moved = await this.statements.catchUp(presented, this.clock.now());
    if (!moved) return null;
    this.metrics.countDatabaseBehind();
    return { outcome: 'rotated', session: toLiveSession(moved) };
  }

  private async revokeReused(sessionId: string, userId: string): Promise<RefreshOutcome | null> {
    const revoked = await this.sessions.revokeReused(sessionId);
    if (!revoked) return null;
    this.logger.warn(`refresh_token_reused: revoked session ${sessionId} of user ${userId}`);
    return { outcome: 'reused', sessionId };
  }

  /**
   * The idle limit of a session, in milliseconds since the epoch; null if a refresh with this token would
   * fail. Changes nothing, except that the newest generation is acknowledged. Throws `database_unavailable`.
   */
  async idleExpiryIfRefreshable({ sessionId, generation }: PresentedRefreshToken): Promise<number | null> {
    const row = await this.reads.submit(sessionId);
    const { outcome } = judge(row && toState(row), generation, this.clock.now(), this.statements.policy);
    if (outcome === 'refused' || outcome === 'reused') return null;
    if (row!.generation === generation) this.writeBuffer.acknowledge(sessionId, generation);
    return row!.idle_expires_at;
  }

  private async rotateBatch(batch: PendingPresentation[]): Promise<(SessionRow | null)[]> {
    const inTime = batch.filter((presented) => !isLate(presented));
    const rows =
      inTime.length > 0 ? await this.statements.rotateMany(inTime, this.clock.now(), { skipLocked: true }) : [];
    const byId = new Map(rows.map((row) => [row.id, row]));
    return batch.map(({ sessionId, generation }) => {
      const row = byId.get(sessionId);
      return row?.generation === generation + 1 ? row : null;
    });
  }

  private async readBatch(ids: string[]): Promise<(SessionRow | null)[]> {
    const rows = await this.statements.readMany(ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }
}

function keyOf({ sessionId, generation }: Presentation): string {
  return `${sessionId} ${generation}`;
}

function isLate({ since }: PendingPresentation): boolean {
  return performance.now() - since > MAX_WAIT_MS;
}

function assertInTime(presented: PendingPresentation): void {
  if (isLate(presented)) throw new Problem('refresh_busy');
}
