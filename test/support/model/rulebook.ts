import { isStrict, type Policy } from './setting.js';

/**
 * Rules 1 to 7 of `docs/rotation.md`, written from its text. It shares no code with `src/sessions`, so that a mistake in
 * either is a difference.
 */
export interface SessionRecord {
  id: string;
  userId: string;
  /** Position in the order of sign-ins. */
  number: number;
  /** G */
  generation: number;
  rotatedAt: number;
  /** A */
  acknowledged: number;
  acknowledgedAt: number | null;
  createdAt: number;
  expiresAt: number;
  idleExpiresAt: number;
  revokedAt: number | null;
  revokedReason: string | null;
}

export type Ruling = { rule: 1; reasons: string[] } | { rule: 2 | 3 | 4 | 5 | 6 | 7 };

/** Which rule applies to generation `g` of this session, presented at `t`. */
export function rulingOn(session: SessionRecord, g: number, t: number, policy: Policy): Ruling {
  const reasons = whyNotAlive(session, t);
  if (reasons.length > 0) return { rule: 1, reasons };

  const { generation: G, acknowledged: A } = session;
  const sinceAcknowledged = ageAt(t, session.acknowledgedAt);
  // "Strict mode: rules 2 and 5 off, each refresh rotates (rule 3 without its two conditions on the acknowledgement)."
  if (g === G && !isStrict(policy) && (A < G || sinceAcknowledged < policy.C)) return { rule: 2 };
  if (g === G) return { rule: 3 };
  if (g === G - 1 && A < G) return { rule: 4 };
  // "With L = 0 rule 5 is off."
  if (g === G - 1 && A === G && policy.L > 0 && sinceAcknowledged <= policy.L) return { rule: 5 };
  if (g < G) return { rule: 6 };
  return { rule: 7 };
}

/** All reasons that apply: the documentation does not say which of several is named. */
export function whyNotAlive(session: SessionRecord, t: number): string[] {
  const reasons: [string, boolean][] = [
    [session.revokedReason ?? '', session.revokedAt !== null],
    ['expired_absolute', t >= session.expiresAt],
    ['expired_idle', t >= session.idleExpiresAt],
  ];
  return reasons.filter(([, isTrue]) => isTrue).map(([reason]) => reason);
}

/** "Negative ages count as 0." */
function ageAt(t: number, recordedAt: number | null): number {
  return recordedAt === null ? 0 : Math.max(0, t - recordedAt);
}
