import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Batcher } from '../database/batcher.js';
import { mayBeOneRow } from '../database/database-errors.js';
import { RotationStatements, type Presentation } from './rotation-statements.js';
import type { RotationPolicy } from './rotation.js';
import type { SessionRow } from './session-row.js';

/** A presentation that waited longer is not judged: the rules rely on requests that arrive in time. */
const MAX_WAIT_MS = 10_000;

export interface PendingPresentation extends Presentation {
  /** When it arrived, by the monotonic clock, in milliseconds. */
  since: number;
}

/** Runs the statements of refreshes: those that most refreshes need as one batch for all that arrive meanwhile. */
@Injectable()
export class RotationBatches {
  private readonly rotations = new Batcher({
    run: (batch: PendingPresentation[]) => this.rotateBatch(batch),
    keyOf,
    isRetriedOneByOne: mayBeOneRow,
  });
  private readonly reads = new Batcher({
    run: (ids: string[]) => this.readBatch(ids),
    keyOf: String,
    isRetriedOneByOne: () => false,
  });

  constructor(
    private readonly statements: RotationStatements,
    private readonly clock: Clock,
  ) {}

  get policy(): RotationPolicy {
    return this.statements.policy;
  }

  /** Rule 3, batched. Null where it does not apply, and for a presentation that is late or whose row is locked. */
  rotate(presented: PendingPresentation): Promise<SessionRow | null> {
    return this.rotations.submit(presented);
  }

  /** Rule 3 in a statement of its own, which waits for a locked row. Null where it does not apply. */
  async rotateAlone(presented: Presentation): Promise<SessionRow | null> {
    const [moved] = await this.statements.rotateMany([presented], this.clock.now(), { skipLocked: false });
    return moved ?? null;
  }

  /** Rule 7. Null where it does not apply. */
  async catchUp(presented: Presentation): Promise<SessionRow | null> {
    return (await this.statements.catchUp(presented, this.clock.now())) ?? null;
  }

  /** The row of a session, batched. Null for an unknown id. */
  read(sessionId: string): Promise<SessionRow | null> {
    return this.reads.submit(sessionId);
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

/** Equal presentations have equal keys. */
export function keyOf({ sessionId, generation }: Presentation): string {
  return `${sessionId} ${generation}`;
}

export function isLate({ since }: PendingPresentation): boolean {
  return performance.now() - since > MAX_WAIT_MS;
}
