import { whyNotAlive, type SessionRecord } from './rulebook.js';
import type { Policy } from './setting.js';

/** The whole of what the service should know: plain data, so that a copy can try out another order of events. */
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
 * What a process has seen, and what it has not written down yet: of each session the newest generation alone. The text
 * speaks of a queue of pairs; that is the same except after a failover, when a token of a generation that was lost takes
 * the place of the note for the generation that the row has. A theft is then noticed later.
 */
export interface ProcessNotes {
  sighted: Map<string, number>;
  acknowledgements: Map<string, number>;
  /** New ends of sessions, from rule 4. */
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

/** A sign-in, a registration or a change of password: generation 1, acknowledged by nobody. */
export function beginSession(model: Model, id: string, userId: string, t: number): SessionRecord {
  const { policy, sessions } = model;
  const session: SessionRecord = {
    id,
    userId,
    number: sessions.size,
    generation: 1,
    rotatedAt: t,
    acknowledged: 0,
    acknowledgedAt: null,
    createdAt: t,
    expiresAt: t + policy.session,
    idleExpiresAt: Math.min(t + policy.idle, t + policy.session),
    endedAt: null,
    endedBecause: null,
  };
  sessions.set(id, session);
  return session;
}

/** Ends what is alive of these; how many that were. */
export function revokeSessions(sessions: SessionRecord[], because: string, t: number): number {
  const alive = sessions.filter((session) => whyNotAlive(session, t).length === 0);
  for (const session of alive) Object.assign(session, { endedAt: t, endedBecause: because });
  return alive.length;
}

export function sessionsOf(model: Model, userId: string): SessionRecord[] {
  return [...model.sessions.values()].filter((session) => session.userId === userId);
}

/** After a sign-in: of the others as many stay as make the cap with it, those that were used last. */
export function endBeyondCap(model: Model, newest: SessionRecord, t: number): number {
  const usedAt = ({ rotatedAt, acknowledgedAt }: SessionRecord) => Math.max(rotatedAt, acknowledgedAt ?? 0);
  const others = sessionsOf(model, newest.userId)
    .filter((session) => session !== newest && whyNotAlive(session, t).length === 0)
    .sort((one, other) => usedAt(other) - usedAt(one) || other.number - one.number);
  return revokeSessions(others.slice(model.policy.sessionsPerUser - 1), 'session_cap', t);
}

/** "Ends every session of the user", and outdates their older access tokens. */
export function changeCredentials(model: Model, user: UserRecord, password: string, t: number): void {
  user.password = password;
  user.ver += 1;
  revokeSessions(sessionsOf(model, user.id), 'credentials_changed', t);
}

/**
 * "The first sight in a process puts (sid, gen) on a queue." A refresh token presented where the row does not know of the
 * generation is `needed` whatever was seen before.
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
    if (session.acknowledged < generation && generation <= session.generation) {
      Object.assign(session, { acknowledged: generation, acknowledgedAt: t });
    }
  }
  for (const [sessionId, end] of extensions) {
    const session = model.sessions.get(sessionId)!;
    if (session.endedAt === null) session.idleExpiresAt = Math.max(session.idleExpiresAt, end);
  }
  model.process.acknowledgements = new Map();
  model.process.extensions = new Map();
}
