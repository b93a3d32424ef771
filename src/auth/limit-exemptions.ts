import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../http/bearer-token.js';
import { RateLimits } from '../rate-limits/rate-limits.service.js';
import { AccessTokenVerifier } from '../tokens/access-token-verifier.js';
import { RefreshTokenVerifier } from '../tokens/refresh-token-verifier.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';

/**
 * Requests with a token of ours, which need no limit by address: neighbours behind one address must not keep those out who
 * are signed in. Known devices at a sign-in: `known-devices.ts`.
 */
@Injectable()
export class LimitExemptions {
  constructor(
    limits: RateLimits,
    private readonly accessTokens: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokenVerifier,
    private readonly cookies: RefreshCookies,
  ) {
    // Guesses within a session have the budget `password-session`. A public route ignores the access token.
    limits.exempt('password', ({ request, isPublic }) => !isPublic && this.hasAccessToken(request));
    // Refreshes have the limit `refresh-session`.
    limits.exempt('token', ({ request }) => this.hasRefreshToken(request));
  }

  private hasAccessToken(request: FastifyRequest): boolean {
    const bearer = readBearerToken(request);
    return bearer.kind === 'token' && this.accessTokens.verify(bearer.token) !== null;
  }

  private hasRefreshToken(request: FastifyRequest): boolean {
    const { refresh_token: inBody } = (request.body ?? {}) as { refresh_token?: unknown };
    const tokens = typeof inBody === 'string' ? [inBody] : this.cookies.readAll(request).map(({ token }) => token);
    return tokens.some((token) => this.refreshTokens.verify(token) !== null);
  }
}
