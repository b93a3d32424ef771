/**
 * The rules of acknowledged rotation, as a pure function: what a presented refresh token means for its session. It
 * imports nothing and reads no clock, so that it can be checked against every history
 * (`rotation.spec.ts`, `rotation.model.spec.ts`). The rules and why they are what they are:
 * `docs/rotation.md`.
 *
 * All times are integers, milliseconds since the epoch.
 */

/** The row of a session and its user at the moment of judging. */
export interface SessionState {
  /** G: number of the newest refresh token issued. 1 at login. */
  generation: number;
  /** A ≤ G: the newest generation that the client has proved to hold. 0 at login. */
  acknowledgedGeneration: number;
  /** When A was recorded; null at login. */
  acknowledgedAt: number | null;
  /** The absolute limit. */
  expiresAt: number;
  /** The idle limit; never after `expiresAt`. */
  idleExpiresAt: number;
  revokedAt: number | null;
  revokedReason: string | null;
  /** False when the user is gone or not active. */
  userActive: boolean;
}

/** Durations in milliseconds. The interval is at least twice the leeway, or both are 0: strict mode. */
export interface RotationPolicy {
  rotationInterval: number;
  leeway: number;
}

export const REFUSED_BECAUSE = [
  'revoked',
  'expired_idle',
  'expired_absolute',
  'user_inactive',
  'unknown_session',
] as const;
export type RefusedBecause = (typeof REFUSED_BECAUSE)[number];

export type Verdict =
  /** Rule 1. The session is not alive, or does not exist. */
  | { outcome: 'refused'; because: RefusedBecause; revokedReason: string | null }
  /**
   * Rule 2. The same refresh token again. `acknowledges` when this presentation is the first proof of holding it, which
   * also extends the idle limit.
   */
  | { outcome: 'unchanged'; acknowledges: boolean }
  /** Rules 3 and 7. Issue `generation`; `behind` when the row is older than a token we signed. */
  | { outcome: 'rotate'; generation: number; behind: boolean }
  /** Rules 4 and 5. Issue the row's generation again. Rule 4 (a response was lost) also extends the idle limit. */
  | { outcome: 'resend'; extendsIdle: boolean }
  /** Rule 6. Two holders: the session is revoked. */
  | { outcome: 'reused' };

/**
 * Judges generation `presented` (from a token with good signature, `typ`, audience and expiry) against its session.
 *
 * @param session the row as it is now, or null when there is none
 * @param now when it is judged
 */
export function judge(session: SessionState | null, presented: number, now: number, policy: RotationPolicy): Verdict {
  const because = whyNotAlive(session, now);
  if (because || !session) {
    return { outcome: 'refused', because: because ?? 'unknown_session', revokedReason: session?.revokedReason ?? null };
  }

  const { generation, acknowledgedGeneration, acknowledgedAt } = session;
  const acknowledged = acknowledgedGeneration === generation;
  // No rule leads to such a row, and the database refuses it: fail closed.
  if (acknowledgedGeneration > generation || (acknowledged && acknowledgedAt === null)) return { outcome: 'reused' };
  const sinceAcknowledged = acknowledgedAt === null ? 0 : Math.max(0, now - acknowledgedAt);

  if (presented > generation) return { outcome: 'rotate', generation: presented + 1, behind: true };

  if (presented === generation) {
    if (isStrict(policy)) return { outcome: 'rotate', generation: generation + 1, behind: false };
    if (!acknowledged) return { outcome: 'unchanged', acknowledges: true };
    if (sinceAcknowledged < policy.rotationInterval) return { outcome: 'unchanged', acknowledges: false };
    return { outcome: 'rotate', generation: generation + 1, behind: false };
  }

  if (presented === generation - 1) {
    if (!acknowledged) return { outcome: 'resend', extendsIdle: true };
    if (policy.leeway > 0 && sinceAcknowledged <= policy.leeway) return { outcome: 'resend', extendsIdle: false };
  }
  return { outcome: 'reused' };
}

/** Why the session is not alive at `now`, or null when it is. At `expiresAt` it is expired. */
function whyNotAlive(session: SessionState | null, now: number): RefusedBecause | null {
  if (!session) return 'unknown_session';
  if (session.revokedAt !== null) return 'revoked';
  if (!session.userActive) return 'user_inactive';
  if (now >= session.expiresAt) return 'expired_absolute';
  if (now >= session.idleExpiresAt) return 'expired_idle';
  return null;
}

/** Strict mode: every refresh rotates, and there is no leeway for other tabs. */
export function isStrict(policy: RotationPolicy): boolean {
  return policy.rotationInterval === 0 && policy.leeway === 0;
}
