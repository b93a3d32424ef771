import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { rejected, type RefreshCredential } from '../../sessions/refresh-outcome.js';
import { RefreshTokenVerifier, type PresentedRefreshToken } from '../../tokens/refresh-token-verifier.js';
import { CsrfProtection } from './csrf-protection.js';
import { RefreshCookies, type RefreshCookie } from './refresh-cookies.js';

/** Selects the cookies that a request is about, and verifies their tokens. */
@Injectable()
export class CookieSelector {
  constructor(
    private readonly cookies: RefreshCookies,
    private readonly tokens: RefreshTokenVerifier,
    private readonly csrf: CsrfProtection,
  ) {}

  hasAny(request: FastifyRequest): boolean {
    return this.cookies.readAll(request).length > 0;
  }

  /**
   * The cookie of the named session; where no session is named, all that hold a token of theirs. Rejected with
   * `refresh_token_missing`, `cross_site_request` or `refresh_token_invalid`.
   */
  select(request: FastifyRequest, sessionId: string | undefined): RefreshCredential {
    const all = this.cookies.readAll(request);
    if (all.length === 0) return rejected('refresh_token_missing');
    if (!this.csrf.allowsCookieUse(request)) return rejected('cross_site_request');
    const named = sessionId === undefined ? all : all.filter(({ name }) => name === this.cookies.nameOf(sessionId));
    const [first] = named;
    if (!first) return rejected('refresh_token_missing');
    const [token, ...others] = this.verify(named);
    return token
      ? { kind: 'tokens', via: 'cookie', tokens: [token, ...others] }
      : rejected('refresh_token_invalid', first.name);
  }

  /** The cookies of this user's sessions. Null where there are none, or where the request must not use cookies. */
  selectOwn(request: FastifyRequest, userId: string): RefreshCredential | null {
    if (!this.csrf.allowsCookieUse(request)) return null;
    const [token, ...others] = this.verifyAll(request).filter((presented) => presented.userId === userId);
    return token ? { kind: 'tokens', via: 'cookie', tokens: [token, ...others] } : null;
  }

  /** The verified tokens of all cookies, of any user. Without a check against CSRF. */
  verifyAll(request: FastifyRequest): PresentedRefreshToken[] {
    return this.verify(this.cookies.readAll(request));
  }

  private verify(cookies: RefreshCookie[]): PresentedRefreshToken[] {
    return cookies.flatMap(({ name, token }) => {
      const presented = this.tokens.verify(token)?.presented;
      // The server never sets a token under the name of another session.
      return presented && this.cookies.nameOf(presented.sessionId) === name ? [presented] : [];
    });
  }
}
