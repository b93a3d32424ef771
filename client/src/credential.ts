import type { Delivery, TokenResponse } from './api.js';

/** The content of the store. In `cookie` delivery `text` holds only the ids of session and user, no token. */
export interface StoredCredential {
  text: string;
  sessionId: string;
  userId: string;
  /** The generation of the refresh token; 0 in `cookie` delivery, where the browser keeps it. */
  generation: number;
}

export interface AccessToken {
  token: string;
  sessionId: string;
  userId: string;
  generation: number;
  /** By the server's clock: it is compared only with that of another token. */
  issuedAt: number;
  /** Monotonic milliseconds of this tab: when to refresh in the background, and when to stop sending this token. */
  refreshAt: number;
  usableUntil: number;
}

/** What a token response contains. */
export interface ParsedTokens {
  stored: StoredCredential;
  access: AccessToken;
}

const MARGIN_MS = 10_000;

/** Null when the text is not a valid credential: the user has to sign in. */
export function readStored(delivery: Delivery, text: string | null): StoredCredential | null {
  if (!text) return null;
  if (delivery === 'cookie') {
    const [sessionId, userId] = text.split(' ');
    return sessionId && userId ? { text, sessionId, userId, generation: 0 } : null;
  }
  const claims = claimsOf(text);
  return claims && { text, sessionId: claims.sid, userId: claims.sub, generation: claims.gen };
}

/** The credential to store and the access token of a token response; null when the response is malformed. */
export function readTokenResponse(
  delivery: Delivery,
  response: TokenResponse,
  now: number,
  random: number,
): ParsedTokens | null {
  const access = readAccess(response.access_token, response.expires_in, now, random);
  const text = delivery === 'cookie' ? access && `${access.sessionId} ${access.userId}` : response.refresh_token;
  const stored = readStored(delivery, text ?? null);
  return access && stored && stored.sessionId === access.sessionId ? { stored, access } : null;
}

/**
 * A refresh is due after 75 to 90 % of the token's life, at random, so that tabs and users do not refresh in step. The
 * token is not sent in its last seconds: it could expire on the way to the server.
 */
export function readAccess(token: string, expiresInSeconds: number, now: number, random: number): AccessToken | null {
  const claims = claimsOf(token);
  const life = expiresInSeconds * 1000;
  if (!claims || !(life >= 0)) return null;
  return {
    token,
    sessionId: claims.sid,
    userId: claims.sub,
    generation: claims.gen,
    issuedAt: claims.iat,
    refreshAt: now + life * (0.75 + 0.15 * random),
    usableUntil: now + Math.max(life - MARGIN_MS, life * 0.9),
  };
}

/** Whether `next` replaces `current`. Responses and messages can arrive in another order than they were sent. */
export function isNewer(next: AccessToken, current: AccessToken | null): boolean {
  if (!current || current.sessionId !== next.sessionId) return true;
  return (next.generation - current.generation || next.issuedAt - current.issuedAt) >= 0;
}

interface Claims {
  sid: string;
  sub: string;
  gen: number;
  iat: number;
}

/** Decodes without a check of the signature: the claims only decide which of our own tokens is newer. */
function claimsOf(token: unknown): Claims | null {
  try {
    const payload = atob((token as string).split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'));
    const claims = JSON.parse(payload) as Claims;
    return claims.sid && claims.sub && claims.gen >= 0 ? claims : null;
  } catch {
    return null;
  }
}
