import type { Model, UserRecord } from './model.js';
import type { AccessClaims, Observed } from './observed.js';
import type { Outcome } from './refreshes.js';
import type { SessionRecord } from './rulebook.js';

const SECOND = 1000;
/** The tolerance for the lifetime of an access token. */
const TOLERANCE = 60 * SECOND;

/** The possible responses: one, or several when the documentation leaves open which of two reasons is named. */
export type Prediction = Observed[];

export function predictRefresh(model: Model, sessionId: string, outcome: Outcome, t: number): Prediction {
  if (outcome.rule === 6) return [refused('refresh_token_reused', sessionId, 'reused')];
  if (outcome.rule !== 1) return [{ status: 200, ...tokens(model, outcome.session, outcome.ends, t) }];
  return outcome.reasons.map((reason) => {
    const code = reason.startsWith('expired_') ? 'session_expired' : 'session_revoked';
    return refused(code, sessionId, reason);
  });
}

/** The token response for a new session. */
export function predictNewSession(model: Model, session: SessionRecord, status: number, t: number): Prediction {
  return [{ status, ...tokens(model, session, session.idleExpiresAt, t) }];
}

function tokens(model: Model, session: SessionRecord, idleEnds: number, t: number): Omit<Observed, 'status'> {
  const { id: sid, userId: sub, generation: gen } = session;
  const ends = Math.min(idleEnds, session.expiresAt);
  const iat = seconds(t);
  // "An access token never outlives its session."
  const exp = seconds(Math.min(t + model.policy.access, ends));
  const { ver } = model.users.get(sub)!;
  return {
    sessionId: sid,
    refresh: { sub, sid, gen, iat: seconds(session.rotatedAt), exp: Math.ceil(session.expiresAt / SECOND) },
    access: { sub, sid, gen, iat, exp, ver, auth_time: seconds(session.createdAt) },
    expiresIn: Math.max(0, exp - iat),
    refreshExpiresIn: Math.max(0, seconds(ends - t)),
  };
}

/** Why an access token is refused at `t`; null when it is accepted. */
export function accessRefusal(model: Model, token: AccessClaims, t: number): string | null {
  const life = model.policy.access + TOLERANCE;
  if (token.iat * SECOND - t > TOLERANCE) return 'access_token_invalid';
  if (t >= token.exp * SECOND || t - token.iat * SECOND > life) return 'access_token_expired';
  if (model.sessions.get(token.sid)!.revokedAt !== null) return 'session_revoked';
  return token.ver < model.users.get(token.sub)!.ver ? 'access_token_outdated' : null;
}

export function predictWhoAmI(model: Model, token: AccessClaims, t: number): Prediction {
  const code = accessRefusal(model, token, t);
  if (code) return [refusedAccess(code, token.sid)];
  return [{ status: 200, sessionId: token.sid, userId: token.sub, expiresAt: token.exp * SECOND }];
}

export function refusedAccess(code: string, sessionId: string): Observed {
  return { status: 401, code, terminal: code === 'session_revoked', sessionId };
}

export function predictSignIn(user: UserRecord, password: string): Observed | null {
  return user.password === password ? null : { status: 401, code: 'invalid_credentials', terminal: false };
}

function refused(code: string, sessionId: string, reason: string): Observed {
  return { status: 401, code, terminal: true, reason, sessionId };
}

function seconds(ms: number): number {
  return Math.floor(ms / SECOND);
}
