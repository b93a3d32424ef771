import type { Identity } from '../identity/identity.js';

/** How far the clocks of processes may differ, and how long a token may outlive its `exp` anywhere. */
export const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Why an authentic access token is refused at this time, in milliseconds since the epoch; null when it is not. One older
 * than the configured lifetime is refused regardless of its `exp`, so that shortening the lifetime works at once.
 */
export function whyOutOfTime(
  { issuedAt, expiresAt }: Pick<Identity, 'issuedAt' | 'expiresAt'>,
  now: number,
  lifetimeMs: number,
): 'access_token_invalid' | 'access_token_expired' | null {
  const age = now - issuedAt;
  if (age < -CLOCK_TOLERANCE_MS) return 'access_token_invalid';
  return now >= expiresAt || age > lifetimeMs + CLOCK_TOLERANCE_MS ? 'access_token_expired' : null;
}
