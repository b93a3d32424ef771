import { isStrict, type Policy } from './setting.js';

/**
 * Rules 1 to 7 of `docs/rotation.md`, written from its text. It knows nothing of `src/sessions`: a slip in either shows
 * up as a difference.
 */
export interface SessionRecord {
  id: string;
  userId: string;
  /** Sign-ins in their order: who began later. */
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
  endedAt: number | null;
  endedBecause: string | null;
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

/** Every reason that is true: the text does not say which one of several is named. */
export function whyNotAlive(session: SessionRecord, t: number): string[] {
  const reasons: [string, boolean][] = [
    [session.endedBecause ?? '', session.endedAt !== null],
    ['expired_absolute', t >= session.expiresAt],
    ['expired_idle', t >= session.idleExpiresAt],
  ];
  return reasons.filter(([, isTrue]) => isTrue).map(([reason]) => reason);
}

/** "Negative ages count as 0." */
function ageAt(t: number, recordedAt: number | null): number {
  return recordedAt === null ? 0 : Math.max(0, t - recordedAt);
}
