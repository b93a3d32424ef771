import type { UserStatus } from '../users/user.entity.js';
import type { SessionState } from './rotation.js';
import type { RevokedReason, SessionDelivery } from './session.entity.js';

/** A session with what a refresh needs of its user, as one statement reads it. */
export interface SessionRow {
  id: string;
  user_id: string;
  generation: number;
  rotated_at: number;
  acknowledged_generation: number;
  acknowledged_at: number | null;
  created_at: number;
  reauthenticated_at: number | null;
  expires_at: number;
  idle_expires_at: number;
  revoked_at: number | null;
  revoked_reason: RevokedReason | null;
  delivery: SessionDelivery;
  /** A JSON list; null when the user is gone, as the next two are. */
  roles: string | null;
  ver: number | null;
  status: UserStatus | null;
}

const SESSION_COLUMNS = [
  'id',
  'user_id',
  'generation',
  'rotated_at',
  'acknowledged_generation',
  'acknowledged_at',
  'created_at',
  'reauthenticated_at',
  'expires_at',
  'idle_expires_at',
  'revoked_at',
  'revoked_reason',
  'delivery',
];

/** For a SELECT over `sessions s LEFT JOIN users u`. */
export const SELECT_COLUMNS = [...SESSION_COLUMNS.map((name) => `s.${name}`), 'u.roles', 'u.ver', 'u.status'].join(
  ', ',
);

/** For a RETURNING, which on SQLite cannot name a joined table. */
export const RETURNING_COLUMNS = [
  ...SESSION_COLUMNS,
  ...['roles', 'ver', 'status'].map((name) => `(SELECT u.${name} FROM users u WHERE u.id = user_id) AS ${name}`),
].join(', ');

export function toState(row: SessionRow): SessionState {
  return {
    generation: row.generation,
    acknowledgedGeneration: row.acknowledged_generation,
    acknowledgedAt: row.acknowledged_at,
    expiresAt: row.expires_at,
    idleExpiresAt: row.idle_expires_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason,
    userActive: row.status === 'active',
  };
}

/** SQL for the day after a time in milliseconds, counted from the epoch: `purge_on` of a session that expires then. */
export function dayAfter(time: string): string {
  return `(${time}) / 86400000 + 1`;
}

/** A session that is alive, with what its tokens are made from. Times in milliseconds since the epoch. */
export interface LiveSession {
  id: string;
  userId: string;
  generation: number;
  rotatedAt: number;
  /** When the user last authenticated: at the sign-in, or again since then. */
  authenticatedAt: number;
  expiresAt: number;
  idleExpiresAt: number;
  roles: string[];
  tokenVersion: number;
  delivery: SessionDelivery;
}

/** Only for a row whose user exists. */
export function toLiveSession(row: SessionRow): LiveSession {
  const { roles, ver } = row;
  if (roles === null || ver === null) throw new Error(`Session ${row.id} has no user`);
  return {
    id: row.id,
    userId: row.user_id,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    authenticatedAt: row.reauthenticated_at ?? row.created_at,
    expiresAt: row.expires_at,
    idleExpiresAt: row.idle_expires_at,
    roles: JSON.parse(roles) as string[],
    tokenVersion: ver,
    delivery: row.delivery,
  };
}
