import type { Delivery, TokenResponse } from './api.js';

/** What storage holds, and what it says. In `cookie` delivery the text is only a note of whose session it is. */
export interface StoredCredential {
  text: string;
  sessionId: string;
  userId: string;
  /** Of the refresh token; 0 in `cookie` delivery, where the browser holds it. */
  generation: number;
}

/** An access token, with its age by the clock of this tab. */
export interface Access {
  token: string;
  sessionId: string;
  userId: string;
  generation: number;
  /** By the server's clock: only ever compared with that of another token. */
  issuedAt: number;
  /** Monotonic milliseconds: from when it is renewed alongside, and from when it is not sent any more. */
  dueAt: number;
  deadAt: number;
}

const MARGIN_MS = 10_000;

/** Null for what is no credential of ours: whoever is asked by it has to sign in. */
export function readStored(delivery: Delivery, text: string | null): StoredCredential | null {
  if (!text) return null;
  if (delivery === 'cookie') {
    const [sessionId, userId] = text.split(' ');
    return sessionId && userId ? { text, sessionId, userId, generation: 0 } : null;
  }
  const claims = claimsOf(text);
  return claims && { text, sessionId: claims.sid, userId: claims.sub, generation: claims.gen };
}

/** What to hold after a response, and the access token in it; null where it is not a response of the server. */
export function readTokenResponse(
  delivery: Delivery,
  response: TokenResponse,
  now: number,
  random: number,
): { stored: StoredCredential; access: Access } | null {
  const access = readAccess(response.access_token, response.expires_in, now, random);
  const text = delivery === 'cookie' ? access && `${access.sessionId} ${access.userId}` : response.refresh_token;
  const stored = readStored(delivery, text ?? null);
  return access && stored && stored.sessionId === access.sessionId ? { stored, access } : null;
}

/**
 * Renewed from 75 to 90 % of its life, so that tabs and people do not keep in step; not sent in its last seconds, which
 * the way to the server may take.
 */
export function readAccess(token: string, expiresInSeconds: number, now: number, random: number): Access | null {
  const claims = claimsOf(token);
  const life = expiresInSeconds * 1000;
  if (!claims || !(life >= 0)) return null;
  return {
    token,
    sessionId: claims.sid,
    userId: claims.sub,
    generation: claims.gen,
    issuedAt: claims.iat,
    dueAt: now + life * (0.75 + 0.15 * random),
    deadAt: now + Math.max(life - MARGIN_MS, life * 0.9),
  };
}

/** Whether a token that arrives now replaces `current`: responses overtake one another. */
export function isNewer(next: Access, current: Access | null): boolean {
  if (!current || current.sessionId !== next.sessionId) return true;
  return (next.generation - current.generation || next.issuedAt - current.issuedAt) >= 0;
}

interface Claims {
  sid: string;
  sub: string;
  gen: number;
  iat: number;
}

/** Read, not checked: this decides which of our own tokens to keep, and is no proof of anything. */
function claimsOf(token: unknown): Claims | null {
  try {
    const payload = atob((token as string).split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'));
    const claims = JSON.parse(payload) as Claims;
    return typeof claims.sid === 'string' && typeof claims.sub === 'string' && claims.gen >= 0 ? claims : null;
  } catch {
    return null;
  }
}
