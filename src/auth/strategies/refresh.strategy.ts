import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport';
import { credentialInBody, rejected, type RefreshCredential } from '../../sessions/refresh-outcome.js';
import { RefreshTokenVerifier } from '../../tokens/refresh-token-verifier.js';
import { CookieSelector } from '../cookies/cookie-selector.js';
import type { RefreshRequest } from '../requests.js';

/** The refresh token of a request whose body is validated: in the body, or in one of its cookies. */
@Injectable()
export class RefreshStrategy extends PassportStrategy(Strategy, 'refresh') {
  constructor(
    private readonly tokens: RefreshTokenVerifier,
    private readonly cookies: CookieSelector,
  ) {
    super();
  }

  override authenticate(request: unknown): void {
    this.success(this.validate(request as RefreshRequest));
  }

  validate(request: RefreshRequest): RefreshCredential {
    const { refresh_token: token, session_id: sessionId } = request.body;
    if (token === undefined) return this.cookies.select(request, sessionId);
    if (this.cookies.hasAny(request)) return rejected('refresh_token_ambiguous');
    if (token === '') return rejected('refresh_token_missing');
    return credentialInBody(this.tokens.verify(token)?.presented);
  }
}
