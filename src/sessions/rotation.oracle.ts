/**
 * The rules of `docs/rotation.md`, said a second time for the tests: six rules for an active session, of which exactly
 * one must apply to any presentation. Written from the text and not from `rotation.ts`, of which it knows the types only, so
 * that a slip in either shows up as a difference.
 */
import type { RefusedBecause, RotationPolicy, SessionState, Verdict } from './rotation.js';

export type Rule = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** The rule that applies, and the verdicts that the text allows: several only where a session is over for several reasons. */
export interface Expectation {
  rule: Rule;
  allows: Verdict[];
}

/** The variables of the text: G, A, g, and whether the time since A was recorded is short of C, or within L. */
interface Variables {
  G: number;
  A: number;
  g: number;
  withinInterval: boolean;
  withinLeeway: boolean;
  strict: boolean;
}

/** "with L = 0 rule 5 is off", also when the interval is not 0. */
const rules: {
  rule: Exclude<Rule, 1>;
  applies(variables: Variables): boolean;
  verdict(variables: Variables): Verdict;
}[] = [
  {
    rule: 2,
    applies: ({ G, A, g, withinInterval, strict }) => !strict && g === G && (A < G || withinInterval),
    verdict: ({ G, A }) => ({ outcome: 'unchanged', acknowledges: A < G }),
  },
  {
    rule: 3,
    applies: ({ G, A, g, withinInterval, strict }) => g === G && (strict || (A === G && !withinInterval)),
    verdict: ({ g }) => ({ outcome: 'rotate', generation: g + 1, behind: false }),
  },
  {
    rule: 4,
    applies: ({ G, A, g }) => g === G - 1 && A < G,
    verdict: () => ({ outcome: 'resend', extendsIdle: true }),
  },
  {
    rule: 5,
    applies: ({ G, A, g, withinLeeway }) => g === G - 1 && A === G && withinLeeway,
    verdict: () => ({ outcome: 'resend', extendsIdle: false }),
  },
  {
    rule: 6,
    applies: ({ G, A, g, withinLeeway }) => g < G - 1 || (g === G - 1 && A === G && !withinLeeway),
    verdict: () => ({ outcome: 'reused' }),
  },
  {
    rule: 7,
    applies: ({ G, g }) => g > G,
    verdict: ({ g }) => ({ outcome: 'rotate', generation: g + 1, behind: true }),
  },
];

/**
 * What the text says of generation `g`, presented at `t`.
 *
 * @throws Error when not exactly one rule applies: the rules have a gap or contradict themselves
 */
export function expectedVerdict(row: SessionState | null, g: number, t: number, policy: RotationPolicy): Expectation {
  const reasons = whyNotAlive(row, t);
  if (row === null || reasons.length > 0) {
    const revokedReason = row?.revokedReason ?? null;
    return { rule: 1, allows: reasons.map((because) => ({ outcome: 'refused', because, revokedReason })) };
  }
  const { rotationInterval: C, leeway: L } = policy;
  const age = ageOf(row.acknowledgedAt, t);
  const variables: Variables = {
    G: row.generation,
    A: row.acknowledgedGeneration,
    g,
    withinInterval: age < C,
    withinLeeway: L > 0 && age <= L,
    strict: C === 0 && L === 0,
  };
  const [only, ...others] = rules.filter(({ applies }) => applies(variables));
  if (!only || others.length > 0) {
    throw new Error(`rules ${[only, ...others].map((one) => one?.rule).join(', ')}: ${JSON.stringify(variables)}`);
  }
  return { rule: only.rule, allows: [only.verdict(variables)] };
}

/** Every reason that is true: the text does not say which one of several is named. */
function whyNotAlive(row: SessionState | null, t: number): RefusedBecause[] {
  if (row === null) return ['unknown_session'];
  const claims: [RefusedBecause, boolean][] = [
    ['revoked', row.revokedAt !== null],
    ['user_inactive', !row.userActive],
    ['expired_absolute', t >= row.expiresAt],
    ['expired_idle', t >= row.idleExpiresAt],
  ];
  return claims.filter(([, isTrue]) => isTrue).map(([because]) => because);
}

/** "Negative ages count as 0". Null stands beside A = 0 < G only, where no rule asks for the age. */
function ageOf(recordedAt: number | null, t: number): number {
  if (recordedAt === null) return Infinity;
  return t < recordedAt ? 0 : t - recordedAt;
}
