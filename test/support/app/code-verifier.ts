import { createHash, randomBytes } from 'node:crypto';

/** A code verifier and its challenge (RFC 7636), as a browser makes them. */
export function newCodeVerifier(): { codeVerifier: string; codeChallenge: string } {
  const codeVerifier = randomBytes(32).toString('base64url');
  return { codeVerifier, codeChallenge: createHash('sha256').update(codeVerifier).digest('base64url') };
}
