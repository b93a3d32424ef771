import { isAlive, type SessionRecord } from './rulebook.js';
import type { Policy } from './setting.js';

/** The state that the service should have: plain data, so that a copy can try another order of events. */
export interface Model {
  policy: Policy;
  users: Map<string, UserRecord>;
  sessions: Map<string, SessionRecord>;
  process: ProcessNotes;
}

export interface UserRecord {
  id: string;
  email: string;
  password: string;
  ver: number;
}

/**
 * The memory of a process: the generations it has seen and those it has not written yet, of each session only the newest.
 * The documentation describes a queue of pairs. The two differ only after a failover: a token of a lost generation then
 * replaces the note for the generation of the row, and a theft is detected later.
 */
interface ProcessNotes {
  sighted: Map<string, number>;
  acknowledgements: Map<string, number>;
  /** New idle limits, from rules 2 and 4. */
  extensions: Map<string, number>;
}

export const nothingNoted = (): ProcessNotes => ({
  sighted: new Map(),
  acknowledgements: new Map(),
  extensions: new Map(),
});

export function emptyModel(policy: Policy): Model {
  return { policy, users: new Map(), sessions: new Map(), process: nothingNoted() };
}

/** A new session after a sign-in, a registration or a change of password: generation 1, not acknowledged. */
export function beginSession(model: Model, id: string, userId: string, t: number): SessionRecord {
  const { policy, sessions } = model;
  const session: SessionRecord = {
    id,
    userId,
    number: sessions.size,
    generation: 1,
    rotatedAt: t,
    acknowledgedGeneration: 0,
    acknowledgedAt: null,
    createdAt: t,
    expiresAt: t + policy.session,
    idleExpiresAt: Math.min(t + policy.idle, t + policy.session),
    revokedAt: null,
    revokedReason: null,
    userActive: true,
  };
  sessions.set(id, session);
  return session;
}

/** Revokes those that are alive; returns how many. */
export function revokeSessions(sessions: SessionRecord[], because: string, t: number): number {
  const alive = sessions.filter((session) => isAlive(session, t));
  for (const session of alive) Object.assign(session, { revokedAt: t, revokedReason: because });
  return alive.length;
}

export function sessionsOf(model: Model, userId: string): SessionRecord[] {
  return [...model.sessions.values()].filter((session) => session.userId === userId);
}

/** After a sign-in: revokes the least recently used sessions beyond the cap. */
export function revokeBeyondCap(model: Model, newest: SessionRecord, t: number): number {
  const usedAt = ({ rotatedAt, acknowledgedAt }: SessionRecord) => Math.max(rotatedAt, acknowledgedAt ?? 0);
  const others = sessionsOf(model, newest.userId)
    .filter((session) => session !== newest && isAlive(session, t))
    .sort((one, other) => usedAt(other) - usedAt(one) || other.number - one.number);
  return revokeSessions(others.slice(model.policy.sessionsPerUser - 1), 'session_cap', t);
}

/** Counts up, and is never below the seconds since 2025: a version that a failover has lost is not issued again. */
export function nextVersion(ver: number, t: number): number {
  return Math.max(ver + 1, Math.floor((t - Date.UTC(2025, 0, 1)) / 1000));
}

/** Revokes every session of the user, and outdates all earlier access tokens. */
export function changeCredentials(model: Model, user: UserRecord, password: string, t: number): void {
  user.password = password;
  user.ver = nextVersion(user.ver, t);
  revokeSessions(sessionsOf(model, user.id), 'credentials_changed', t);
}

/**
 * "The first sight in a process puts (sid, gen) on a queue." `needed`: also when the process has seen the generation before,
 * because the row does not have it.
 */
export function sight(model: Model, sessionId: string, generation: number, needed = false): void {
  const { sighted, acknowledgements } = model.process;
  if ((sighted.get(sessionId) ?? 0) >= generation && !needed) return;
  sighted.set(sessionId, generation);
  acknowledgements.set(sessionId, generation);
}

/** "SET acknowledged_generation = gen … WHERE acknowledged_generation < gen AND gen <= generation." */
export function flush(model: Model, t: number): void {
  const { acknowledgements, extensions } = model.process;
  for (const [sessionId, generation] of acknowledgements) {
    const session = model.sessions.get(sessionId)!;
    if (session.acknowledgedGeneration < generation && generation <= session.generation) {
      Object.assign(session, { acknowledgedGeneration: generation, acknowledgedAt: t });
    }
  }
  for (const [sessionId, end] of extensions) {
    const session = model.sessions.get(sessionId)!;
    if (session.revokedAt === null) session.idleExpiresAt = Math.max(session.idleExpiresAt, end);
  }
  model.process.acknowledgements = new Map();
  model.process.extensions = new Map();
}
