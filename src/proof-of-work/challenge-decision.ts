import { ACCOUNT_POLICY } from '../rate-limits/throttle.js';

/** What a challenge is for: a solution counts for nothing else. */
export type ChallengePurpose = 'login' | 'register' | 'forgot-password';

/** What is known of a request before anything is looked up or hashed. */
export interface Standing {
  /** Of its address or network. */
  isOverSoftLimit: boolean;
  /** Consecutive failures of unknown devices at the account; 0 for a known device, and where no account is named. */
  failures: number;
}

/** As a challenge says it, once its signature is verified. */
export interface ChallengeTerms {
  purpose: unknown;
  /** Seconds since the epoch. */
  expiresAt: unknown;
}

/** Whether a request has to carry a solved challenge. For an account: from the failures on that cause delays. */
export function needsChallenge({ isOverSoftLimit, failures }: Standing): boolean {
  return isOverSoftLimit || failures >= ACCOUNT_POLICY.freeFailures;
}

/** Whether a challenge was made for this purpose and has not expired. */
export function isAcceptable({ purpose, expiresAt }: ChallengeTerms, wanted: ChallengePurpose, now: number): boolean {
  return purpose === wanted && typeof expiresAt === 'number' && now < expiresAt * 1000;
}
