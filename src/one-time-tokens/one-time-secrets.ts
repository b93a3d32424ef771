import { createHash, randomBytes, randomInt } from 'node:crypto';

/** How long a code can be entered, and how often it may be tried (OWASP ASVS 5.0 6.5.5, 6.6.3). */
export const CODE_LIFETIME_MS = 10 * 60_000;
export const CODE_TRIES = 10;

/** What a mail contains: a token for its link, and a code where the browser that asked can enter one. */
export interface OneTimeSecrets {
  token: string;
  code: string | null;
}

/**
 * What a request presents to redeem a mail: the token of the link, or the code; with the verifier of the browser that asked.
 * A code needs it.
 */
export type OneTimeProof = { token: string; codeVerifier?: string } | { code: string; codeVerifier: string };

/** 256 random bits in base64url, and with a code challenge six random digits. */
export function newSecrets(codeChallenge: string | undefined): OneTimeSecrets {
  const code = codeChallenge === undefined ? null : String(randomInt(1_000_000)).padStart(6, '0');
  return { token: randomBytes(32).toString('base64url'), code };
}

/** What is stored of a token. */
export function hashOfToken(token: string): string {
  return sha256(token);
}

/** The challenge of a verifier, as RFC 7636 section 4.2 computes it (`S256`). */
export function challengeOf(codeVerifier: string): string {
  return sha256(codeVerifier);
}

/** What is stored of a challenge: codes are looked up by it. */
export function hashOfChallenge(codeChallenge: string): string {
  return sha256(codeChallenge);
}

/** What is stored of a code. */
export function hashOfCode(codeChallenge: string, code: string): string {
  return sha256(`${codeChallenge} ${code}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
