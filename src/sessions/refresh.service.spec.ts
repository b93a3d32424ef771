import { afterEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../clock/clock.js';
import { Problem } from '../problem/problem.js';
import { Metrics } from '../metrics/metrics.js';
import { MovableClock } from '../../test/support/app/clock.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { credentialInBody } from './refresh-outcome.js';
import { RefreshService } from './refresh.service.js';
import { databaseProblem } from '../database/database-errors.js';
import { ErrorTranslators } from '../problem/to-problem.js';
import { RotationBatches } from './rotation-batches.js';
import type { RotationStatements } from './rotation-statements.js';
import type { SessionRow } from './session-row.js';
import type { SessionWriteBuffer } from './session-write-buffer.js';
import type { SessionsService } from './sessions.service.js';

const now = Date.now();
const presented = credentialInBody({ sessionId: 's', userId: 'u', generation: 3, expiresAt: now + 900_000 });
const ORIGIN = { ip: '192.0.2.1', userAgent: 'a browser' };

/** A session whose generation 3 is due for rotation. */
const due: SessionRow = {
  id: 's',
  user_id: 'u',
  generation: 3,
  rotated_at: now - 600_000,
  acknowledged_generation: 3,
  acknowledged_at: now - 500_000,
  reauthenticated_at: null,
  created_at: now - 900_000,
  expires_at: now + 900_000,
  idle_expires_at: now + 900_000,
  revoked_at: null,
  revoked_reason: null,
  delivery: 'body' as const,
  roles: '[]',
  ver: 1,
  status: 'active',
};

function serviceWith(
  statements: Partial<RotationStatements>,
  sessions: Partial<SessionsService> = {},
  clock: Clock = new Clock(),
) {
  const policy = { rotationInterval: 120_000, leeway: 60_000 };
  return new RefreshService(
    new RotationBatches({ policy, ...statements } as RotationStatements, clock),
    { newestOf: async ([token]: unknown[]) => token, ...sessions } as SessionsService,
    { acknowledgeAgain: () => {}, extendIdle: async () => now } as unknown as SessionWriteBuffer,
    clock,
    new RefreshMetrics(new Metrics(), new ErrorTranslators([databaseProblem])),
  );
}

afterEach(() => vi.restoreAllMocks());

describe('a refresh', () => {
  it('fails with 503 when its row changes three times, instead of a stale outcome', async () => {
    const rotateMany = vi.fn(async () => []);
    const read = vi.fn(async () => [due]);
    const refusal = serviceWith({ rotateMany, readMany: read }).refresh(presented, ORIGIN);
    await expect(refusal).rejects.toMatchObject({ code: 'refresh_busy', status: 503 });
    expect(read).toHaveBeenCalledTimes(3);
    expect(rotateMany.mock.calls.map((call: unknown[]) => call[2])).toEqual([
      { skipLocked: true },
      ...[1, 2, 3].map(() => ({ skipLocked: false })),
    ]);
  });

  it('is judged again by the row after a concurrent change', async () => {
    const rotated = { ...due, generation: 4 };
    const read = vi.fn(async () => [rotated]).mockResolvedValueOnce([due]);
    const outcome = await serviceWith({ rotateMany: async () => [], readMany: read }).refresh(presented, ORIGIN);
    expect(outcome).toMatchObject({ outcome: 'resent', session: { generation: 4 } });
  });

  it('fails with 503 after waiting ten seconds, and rotates nothing', async () => {
    const rotateMany = vi.fn(async () => []);
    let waited = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => waited);
    const read = async () => [due];
    const service = serviceWith({ rotateMany, readMany: read });
    const refusal = service.refresh(presented, ORIGIN);
    waited = 10_001;
    await expect(refusal).rejects.toBeInstanceOf(Problem);
    await expect(refusal).rejects.toMatchObject({ code: 'refresh_busy' });
    expect(rotateMany).not.toHaveBeenCalled();
  });

  it('is judged by its time of arrival, so that server delays cause no reuse', async () => {
    const rotated = { ...due, generation: 4, acknowledged_generation: 4, acknowledged_at: now - 59_000 };
    const clock = new MovableClock();
    const read = async () => {
      clock.move('5s');
      return [rotated];
    };
    const outcome = await serviceWith({ rotateMany: async () => [], readMany: read }, {}, clock).refresh(
      presented,
      ORIGIN,
    );
    expect(outcome).toMatchObject({ outcome: 'resent', session: { generation: 4 } });
  });

  it('shares its outcome with parallel equal ones alone (single flight)', async () => {
    const read = vi.fn(async () => [due]);
    const rotateMany = vi.fn(async (_: unknown, __: unknown, { skipLocked }: { skipLocked: boolean }) =>
      skipLocked ? [] : [{ ...due, generation: 4 }],
    );
    const service = serviceWith({ rotateMany, readMany: read });
    const [one, two] = await Promise.all([
      service.refresh(presented, ORIGIN),
      service.refresh(structuredClone(presented), ORIGIN),
    ]);
    expect(one).toBe(two);
    expect(rotateMany.mock.calls.filter(([, , { skipLocked }]) => !skipLocked)).toHaveLength(1);
    expect(await service.refresh(presented, ORIGIN)).not.toBe(one);
  });

  it('returns the reason of a concurrent revocation', async () => {
    const replayed = { ...due, generation: 9, acknowledged_generation: 9 };
    const revoked = { ...replayed, revoked_at: now, revoked_reason: 'logout' as const };
    const read = vi.fn(async () => [revoked]).mockResolvedValueOnce([replayed] as never);
    const service = serviceWith(
      { rotateMany: async () => [], readMany: read as never },
      { revokeReused: async () => false },
    );
    expect(await service.refresh(presented, ORIGIN)).toEqual({
      outcome: 'refused',
      sessionId: 's',
      userId: 'u',
      because: 'revoked',
      revokedReason: 'logout',
    });
  });

  it('counts database_behind once, and only when it moved an older row', async () => {
    const behind = vi.spyOn(RefreshMetrics.prototype, 'countDatabaseBehind');
    const older = { ...due, generation: 2, acknowledged_generation: 2 };
    const catchUp = vi.fn(async () => ({ ...due, generation: 4 })).mockResolvedValueOnce(undefined as never);
    await serviceWith({ rotateMany: async () => [], readMany: async () => [older], catchUp }).refresh(
      presented,
      ORIGIN,
    );
    expect([catchUp.mock.calls.length, behind.mock.calls.length]).toEqual([2, 1]);

    const rotateMany = async (_: unknown, __: unknown, { skipLocked }: { skipLocked: boolean }) =>
      skipLocked ? [] : [{ ...due, generation: 4 }];
    await serviceWith({ rotateMany, readMany: async () => [due] }).refresh(presented, ORIGIN);
    expect(behind).toHaveBeenCalledTimes(1);
  });
});
