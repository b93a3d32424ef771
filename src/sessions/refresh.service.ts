import { Injectable, Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { Batcher } from '../database/batcher.js';
import { Clock } from '../clock/clock.js';
import { Problem } from '../problem/problem.js';
import { mayBeOneRow } from '../database/database-errors.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { RotationStatements, type Presentation } from './rotation-statements.js';
import { judge, type RefusedBecause } from './rotation.js';
import { toLiveSession, toState, type LiveSession, type SessionRow } from './session-row.js';
import { SessionWriteBuffer } from './session-write-buffer.js';
import { SessionsService } from './sessions.service.js';

export type RefreshOutcome =
  | { outcome: 'unchanged' | 'rotated' | 'resent'; session: LiveSession }
  | { outcome: 'reused' }
  | { outcome: 'refused'; because: RefusedBecause; revokedReason: string | null };

/** A presentation that has waited longer is not judged: the rules rely on requests that arrive in time. */
const MAX_WAIT_MS = 10_000;
const MAX_ATTEMPTS = 3;

interface Waiting extends Presentation {
  /** By the monotonic clock, in milliseconds. */
  since: number;
  /** By the clock that the rules go by, in milliseconds since the epoch. */
  arrivedAt: number;
}

/**
 * A refresh, from the presented token to what to answer: first the batched write that most of them need (rule 3); if
 * it did not apply, a batched read, and `rotation.ts` judges.
 */
@Injectable()
export class RefreshService {
  private readonly logger = new Logger(RefreshService.name);
  private readonly rotations: Batcher<Waiting, SessionRow | null>;
  private readonly reads: Batcher<string, SessionRow | null>;
  private readonly underWay = new Map<string, Promise<RefreshOutcome>>();
  /** What waits for a row that somebody else holds keeps a connection meanwhile: never all of them. */
  private readonly fewAtOnce = pLimit(2);

  constructor(
    private readonly statements: RotationStatements,
    private readonly sessions: SessionsService,
    private readonly writeBuffer: SessionWriteBuffer,
    private readonly clock: Clock,
    private readonly metrics: RefreshMetrics,
  ) {
    const key = ({ sessionId, generation }: Waiting) => `${sessionId} ${generation}`;
    this.rotations = new Batcher((batch) => this.rotateBatch(batch), key, mayBeOneRow);
    this.reads = new Batcher(
      (ids) => this.readBatch(ids),
      String,
      () => false,
    );
  }

  /**
   * Equal presentations share an answer. Throws `refresh_busy` and `database_unavailable`; whatever the rules decide is a
   * value.
   */
  async refresh(presented: Presentation): Promise<RefreshOutcome> {
    try {
      const result = await this.shared(presented);
      if (result.outcome === 'refused') this.metrics.refused(result.because);
      else this.metrics.decided(result.outcome);
      return result;
    } catch (error) {
      this.metrics.threw(error);
      throw error;
    }
  }

  private shared(presented: Presentation): Promise<RefreshOutcome> {
    const key = `${presented.sessionId} ${presented.generation}`;
    const same = this.underWay.get(key);
    if (same) return same;
    const outcome = this.settle(presented).finally(() => this.underWay.delete(key));
    this.underWay.set(key, outcome);
    return outcome;
  }

  /**
   * Until when its session goes on if nobody uses it, in milliseconds since the epoch; null if presenting this now would
   * bring no new answer. Changes nothing, but that the newest generation counts as held by its client. Throws
   * `database_unavailable`.
   */
  async wouldRefreshUntil(presented: Presentation): Promise<number | null> {
    const row = await this.reads.add(presented.sessionId);
    const { outcome } = judge(row && toState(row), presented.generation, this.clock.now(), this.statements.policy);
    if (outcome === 'refused' || outcome === 'reused') return null;
    const isNewest = row!.generation === presented.generation;
    if (isNewest) this.writeBuffer.acknowledge(presented.sessionId, presented.generation);
    return row!.idle_expires_at;
  }

  private async settle(presented: Presentation): Promise<RefreshOutcome> {
    const waiting = { ...presented, since: performance.now(), arrivedAt: this.clock.now() };
    const rotated = await this.rotations.add(waiting);
    if (rotated) return { outcome: 'rotated', session: toLiveSession(rotated) };

    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      refuseStale(waiting.since);
      const row = await this.reads.add(presented.sessionId);
      refuseStale(waiting.since);
      const outcome = await this.decide(row, waiting);
      if (outcome) return outcome;
    }
    throw new Problem('refresh_busy');
  }

  /** Null when the row moved in between: read and judge again. */
  private async decide(row: SessionRow | null, presented: Waiting): Promise<RefreshOutcome | null> {
    const now = this.clock.now();
    const at = (time: number) => judge(row && toState(row), presented.generation, time, this.statements.policy);
    // Our own delay makes no thief: what was in time when it arrived is in time.
    const late = at(now);
    const verdict = late.outcome === 'reused' ? at(presented.arrivedAt) : late;
    switch (verdict.outcome) {
      case 'refused':
        return verdict;
      case 'unchanged':
        if (verdict.acknowledges) this.writeBuffer.acknowledgeAgain(presented.sessionId, presented.generation);
        return { outcome: 'unchanged', session: toLiveSession(row!) };
      case 'resend': {
        const session = toLiveSession(row!);
        if (verdict.extendsIdle) session.idleExpiresAt = this.writeBuffer.extendIdle(session, now);
        return { outcome: 'resent', session };
      }
      case 'rotate':
        return this.fewAtOnce(() => this.rotateAlone(presented, verdict.behind));
      case 'reused':
        return this.fewAtOnce(() => this.endReused(presented, row!.user_id));
    }
  }

  private async rotateAlone(presented: Waiting, behind: boolean): Promise<RefreshOutcome | null> {
    const now = this.clock.now();
    if (behind) this.logger.warn(`database_behind: session ${presented.sessionId} was older than its token`);
    const moved = behind
      ? await this.statements.catchUp(presented, now)
      : (await this.statements.rotate([presented], now, true))[0];
    if (moved && behind) this.metrics.databaseBehind();
    return moved ? { outcome: 'rotated', session: toLiveSession(moved) } : null;
  }

  private async endReused({ sessionId }: Waiting, userId: string): Promise<RefreshOutcome | null> {
    const ended = await this.sessions.endReused(sessionId);
    if (ended) this.logger.warn(`refresh_token_reused: ended session ${sessionId} of user ${userId}`);
    return ended ? { outcome: 'reused' } : null;
  }

  private async rotateBatch(batch: Waiting[]): Promise<(SessionRow | null)[]> {
    const inTime = batch.filter(({ since }) => !isStale(since));
    const rows = inTime.length > 0 ? await this.statements.rotate(inTime, this.clock.now(), false) : [];
    const byId = new Map(rows.map((row) => [row.id, row]));
    return batch.map(({ sessionId, generation }) => {
      const row = byId.get(sessionId);
      return row?.generation === generation + 1 ? row : null;
    });
  }

  private async readBatch(ids: string[]): Promise<(SessionRow | null)[]> {
    const rows = await this.statements.read(ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id) ?? null);
  }
}

function isStale(since: number): boolean {
  return performance.now() - since > MAX_WAIT_MS;
}

function refuseStale(since: number): void {
  if (isStale(since)) throw new Problem('refresh_busy');
}
