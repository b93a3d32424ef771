import type { Model } from './model.js';
import type { SessionRecord } from './rulebook.js';
import type { StillService } from './still-service.js';

/** A session as a row has it; the idle limit of an ended one says nothing any more. */
type Row = Omit<SessionRecord, 'number' | 'userId'>;

export function modelledRows(model: Model): Row[] {
  return [...model.sessions.values()]
    .map(({ number: _number, userId: _userId, ...row }) => withoutDeadIdle(row))
    .sort(byId);
}

export async function storedRows(service: StillService, ids: string[]): Promise<Row[]> {
  const rows = await service.query<Row>(
    `SELECT id, generation, rotated_at AS "rotatedAt", acknowledged_generation AS "acknowledged",
       acknowledged_at AS "acknowledgedAt", created_at AS "createdAt", expires_at AS "expiresAt",
       idle_expires_at AS "idleExpiresAt", revoked_at AS "endedAt", revoked_reason AS "endedBecause"
     FROM sessions WHERE id IN (${ids.map((id) => `'${id}'`).join()})`,
  );
  return rows.map(withoutDeadIdle).sort(byId);
}

/** Puts a row back to an earlier state of its generations, as a failover that lost the last commits does. */
export async function putBack(service: StillService, session: SessionRecord): Promise<void> {
  await service.query(
    `UPDATE sessions SET generation = ${session.generation}, rotated_at = ${session.rotatedAt},
       acknowledged_generation = ${session.acknowledged}, acknowledged_at = ${session.acknowledgedAt ?? 'NULL'},
       idle_expires_at = ${session.idleExpiresAt}
     WHERE id = '${session.id}'`,
  );
}

function withoutDeadIdle(row: Row): Row {
  return row.endedAt === null ? row : { ...row, idleExpiresAt: 0 };
}

function byId(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}
