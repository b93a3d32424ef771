import type { HttpResponse, ProblemBody, TokenResponse } from '../http/http.js';
import { claimsOf } from '../app/users.js';

/** A response without the members that differ each time: ids of requests and of access tokens. */
export interface Observed {
  status: number;
  /** From a problem response. */
  code?: string;
  reason?: string;
  terminal?: boolean;
  sessionId?: string;
  /** From a token response. */
  refresh?: RefreshClaims;
  access?: AccessClaims;
  expiresIn?: number;
  refreshExpiresIn?: number;
  /** From whoami. */
  userId?: string;
  expiresAt?: number;
}

/** Times in whole seconds, as in the tokens. */
export interface RefreshClaims {
  sub: string;
  sid: string;
  gen: number;
  iat: number;
  exp: number;
}

export interface AccessClaims extends RefreshClaims {
  ver: number;
  auth_time: number;
}

export function refreshClaims(token: string): RefreshClaims {
  const { sub, sid, gen, iat, exp } = claimsOf(token) as unknown as RefreshClaims;
  return { sub, sid, gen, iat, exp };
}

export function accessClaims(token: string): AccessClaims {
  const { ver, auth_time } = claimsOf(token) as unknown as AccessClaims;
  return { ...refreshClaims(token), ver, auth_time };
}

type AnyBody = Partial<TokenResponse & ProblemBody & { userId: string; sessionId: string; expiresAt: string }>;

export function observe({ status, body }: HttpResponse<AnyBody | undefined>): Observed {
  if (!body) return { status };
  if (body.code) {
    const { code, terminal, reason, session_id } = body;
    return {
      status,
      code,
      terminal: terminal!,
      ...(reason && { reason }),
      ...(session_id && { sessionId: session_id }),
    };
  }
  if (body.refresh_token) {
    return {
      status,
      sessionId: body.session_id!,
      refresh: refreshClaims(body.refresh_token),
      access: accessClaims(body.access_token!),
      expiresIn: body.expires_in!,
      refreshExpiresIn: body.refresh_expires_in!,
    };
  }
  return { status, sessionId: body.sessionId!, userId: body.userId!, expiresAt: Date.parse(body.expiresAt!) };
}
