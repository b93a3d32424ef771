import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import type { PresentedRefreshToken } from '../tokens/refresh-token-verifier.js';
import type { RefusedBecause } from './rotation.js';
import type { LiveSession } from './session-row.js';

/** What a request presents to stay signed in. Its tokens are verified already. */
export type RefreshCredential =
  | {
      kind: 'tokens';
      via: 'body' | 'cookie';
      /** One, or, in cookies, those of several sessions: the newest that is alive counts. */
      tokens: [PresentedRefreshToken, ...PresentedRefreshToken[]];
    }
  | RejectedCredential;

export interface RejectedCredential {
  kind: 'rejected';
  problem: Problem;
  /** The name of the cookie that is rejected, where it is a cookie. */
  cookie?: string;
}

export function rejected(code: ProblemCode, cookie?: string): RejectedCredential {
  return { kind: 'rejected', problem: new Problem(code), ...(cookie !== undefined && { cookie }) };
}

/** @param presented the verified token of a body; null or undefined if it is no refresh token of ours */
export function credentialInBody(presented: PresentedRefreshToken | null | undefined): RefreshCredential {
  if (!presented) return rejected('refresh_token_invalid');
  return { kind: 'tokens', via: 'body', tokens: [presented] };
}

/** Everything that can come of a refresh, except 503. */
export type RefreshOutcome =
  | { outcome: 'unchanged' | 'rotated' | 'resent'; session: LiveSession }
  | { outcome: 'reused'; sessionId: string; userId: string }
  | { outcome: 'refused'; sessionId: string; userId: string; because: RefusedBecause; revokedReason: string | null }
  | { outcome: 'rejected'; problem: Problem };

/** The outcomes without a session. */
type RefreshFailure = Exclude<RefreshOutcome, { session: LiveSession }>;

/** How a client is told of a refresh without a session. All are terminal, except most of what is `rejected`. */
export function toRefreshProblem(failure: RefreshFailure): Problem {
  switch (failure.outcome) {
    case 'rejected':
      return failure.problem;
    case 'reused':
      return new Problem('refresh_token_reused', { sessionId: failure.sessionId, reason: 'reused' });
    case 'refused':
      return toRefusal(failure);
  }
}

function toRefusal({ sessionId, because, revokedReason }: Extract<RefreshFailure, { outcome: 'refused' }>): Problem {
  switch (because) {
    case 'expired_idle':
    case 'expired_absolute':
      return new Problem('session_expired', { sessionId, reason: because });
    case 'revoked':
      return new Problem('session_revoked', { sessionId, reason: revokedReason ?? 'revoked' });
    case 'user_inactive':
    case 'unknown_session':
      return new Problem('session_revoked', { sessionId, reason: because });
  }
}
