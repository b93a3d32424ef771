/** Consecutive failures to sign in with one budget. Times in milliseconds since the epoch. */
export interface ThrottleState {
  failures: number;
  lastAttemptAt: number;
}

export interface ThrottlePolicy {
  /** So many failures cause no delay. */
  freeFailures: number;
  /** The delay after them, which doubles with each failure. */
  firstDelayMs: number;
  maxDelayMs: number;
  /** From so many failures on no password is accepted with this budget. */
  stopAt: number;
}

export type ThrottleDecision = { kind: 'allow' } | { kind: 'delay'; retryAfterMs: number } | { kind: 'stop' };

/** NIST SP 800-63B-4 section 3.2.2: at most 100 consecutive failures, with delays of up to an hour. */
export const ACCOUNT_POLICY: ThrottlePolicy = {
  freeFailures: 5,
  firstDelayMs: 1000,
  maxDelayMs: 3_600_000,
  stopAt: 100,
};

/** A known device that fails this often counts as unknown. */
export const DEVICE_POLICY: ThrottlePolicy = { ...ACCOUNT_POLICY, stopAt: 10 };

/** For the six-digit codes of mails, over all of them: without it, each new mail would mean new guesses. No waits. */
export const CODE_POLICY: ThrottlePolicy = { ...ACCOUNT_POLICY, freeFailures: ACCOUNT_POLICY.stopAt };

/**
 * Whether an attempt may be made now. A wait ends when its time has passed since the last attempt; a clock that goes back
 * does not prolong it.
 */
export function decideAttempt(state: ThrottleState | null, now: number, policy: ThrottlePolicy): ThrottleDecision {
  if (!state || state.failures < policy.freeFailures) return { kind: 'allow' };
  if (state.failures >= policy.stopAt) return { kind: 'stop' };
  const delay = delayAfter(state.failures, policy);
  const left = Math.min(delay, state.lastAttemptAt + delay - now);
  return left > 0 ? { kind: 'delay', retryAfterMs: left } : { kind: 'allow' };
}

/** How long to wait after the last of so many failures, in milliseconds. */
export function delayAfter(failures: number, { freeFailures, firstDelayMs, maxDelayMs }: ThrottlePolicy): number {
  return failures < freeFailures ? 0 : Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - freeFailures));
}

/** The count after one more failure. */
export function countFailure(state: ThrottleState | null, now: number): ThrottleState {
  return { failures: (state?.failures ?? 0) + 1, lastAttemptAt: now };
}
