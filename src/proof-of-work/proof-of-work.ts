import { randomInt } from 'node:crypto';
import { createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import type { Challenge, Payload } from 'altcha-lib/types';
import { isAcceptable, type ChallengePurpose } from './challenge-decision.js';
import type { ChallengeKeys } from './challenge-keys.js';
import { asObject } from './solution-header.js';

/** How long a challenge can be solved and sent. */
export const CHALLENGE_TTL_MS = 5 * 60_000;

/**
 * The work: at most `keys` keys, half of them on average, of `iterations` iterations of PBKDF2-HMAC-SHA-256 each. Chromium on
 * a server's core needs 0.18 s on average (0.18 µs an iteration), so that a phone, 3 to 6 times slower, needs about half a
 * second to a second, and 2.5 s at most. PBKDF2 runs in the native code of the browser: that of an attacker is not much
 * faster. The server makes one key for each challenge.
 */
export const DIFFICULTY = { keys: 1000, iterations: 2000 };

/** Makes a challenge of this purpose. It is random, and its solution known to nobody but its solver. */
export function issueChallenge(purpose: ChallengePurpose, keys: ChallengeKeys, now: number): Promise<Challenge> {
  const { kid, ...secrets } = keys.signer;
  return createChallenge({
    algorithm: 'PBKDF2/SHA-256',
    cost: DIFFICULTY.iterations,
    counter: randomInt(DIFFICULTY.keys),
    data: { kid, purpose },
    deriveKey,
    expiresAt: new Date(now + CHALLENGE_TTL_MS),
    ...secrets,
  });
}

/** Whether the challenge is ours, for this purpose, not expired, and solved. It says nothing about an earlier use. */
export async function isSolved(
  { challenge, solution }: Payload,
  purpose: ChallengePurpose,
  { byId }: ChallengeKeys,
  now: number,
): Promise<boolean> {
  const { data, expiresAt } = challenge.parameters;
  const { kid, purpose: madeFor } = asObject(data);
  const secrets = typeof kid === 'string' ? byId.get(kid) : undefined;
  if (!secrets || !isAcceptable({ purpose: madeFor, expiresAt }, purpose, now)) return false;
  const { verified } = await verifySolution({ challenge, solution, deriveKey, ...secrets });
  return verified;
}
