import type { Model } from './model.js';
import type { SessionRecord } from './rulebook.js';
import type { StillService } from './still-service.js';

/** A session as its row stores it. The idle limit of a revoked session has no meaning. */
type Row = Omit<SessionRecord, 'number' | 'userId' | 'userActive'>;

export function modelledRows(model: Model): Row[] {
  return [...model.sessions.values()]
    .map(({ number: _number, userId: _userId, userActive: _userActive, ...row }) => withoutIdleOfRevoked(row))
    .sort(byId);
}

export async function storedRows(service: StillService, ids: string[]): Promise<Row[]> {
  const rows = await service.query<Row>(
    `SELECT id, generation, rotated_at AS "rotatedAt", acknowledged_generation AS "acknowledgedGeneration",
       acknowledged_at AS "acknowledgedAt", created_at AS "createdAt", expires_at AS "expiresAt",
       idle_expires_at AS "idleExpiresAt", revoked_at AS "revokedAt", revoked_reason AS "revokedReason"
     FROM sessions WHERE id IN (${ids.map((id) => `'${id}'`).join()})`,
  );
  return rows.map(withoutIdleOfRevoked).sort(byId);
}

/** Restores an earlier generation of a row, as a failover that lost the last commits does. */
export async function putBack(service: StillService, session: SessionRecord): Promise<void> {
  await service.query(
    `UPDATE sessions SET generation = ${session.generation}, rotated_at = ${session.rotatedAt},
       acknowledged_generation = ${session.acknowledgedGeneration}, acknowledged_at = ${session.acknowledgedAt ?? 'NULL'},
       idle_expires_at = ${session.idleExpiresAt}
     WHERE id = '${session.id}'`,
  );
}

function withoutIdleOfRevoked(row: Row): Row {
  return row.revokedAt === null ? row : { ...row, idleExpiresAt: 0 };
}

function byId(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}
