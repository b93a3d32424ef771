import { expectedVerdict, type Expectation } from '../../../src/sessions/rotation.oracle.js';
import type { SessionState } from '../../../src/sessions/rotation.js';
import type { Policy } from './setting.js';

/** A session of the model: the state that the rules judge, and what is told to clients. */
export interface SessionRecord extends SessionState {
  id: string;
  userId: string;
  /** Position in the order of sign-ins. */
  number: number;
  rotatedAt: number;
  createdAt: number;
}

type AppliedRule = { rule: 1; reasons: string[] } | { rule: 2 | 3 | 4 | 5 | 6 | 7 };

/** Which rule applies to generation `g` of this session, presented at `t`. The unit tests of the rules ask the same oracle. */
export function appliedRule(session: SessionRecord, g: number, t: number, policy: Policy): AppliedRule {
  const { rule, allows } = expectedVerdict(session, g, t, rotationPolicy(policy));
  return rule === 1 ? { rule, reasons: reasonsIn(allows) } : { rule };
}

/** All reasons that apply: the documentation does not say which of several is named. */
function reasonsIn(allows: Expectation['allows']): string[] {
  return allows.flatMap((verdict) =>
    verdict.outcome === 'refused' ? [(verdict.because === 'revoked' && verdict.revokedReason) || verdict.because] : [],
  );
}

/** Rule 1 is the same under every policy. */
export function isAlive(session: SessionRecord, t: number): boolean {
  return expectedVerdict(session, session.generation, t, { rotationInterval: 0, leeway: 0 }).rule !== 1;
}

const rotationPolicy = ({ C, L }: Policy) => ({ rotationInterval: C, leeway: L });
