import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../../http/bearer-token.js';
import type { Identity } from '../../identity/identity.js';
import { Problem } from '../../problem/problem.js';
import { credentialInBody, rejected, type RefreshCredential } from '../../sessions/refresh-outcome.js';
import { AccessTokenVerifier } from '../../tokens/access-token-verifier.js';
import { RefreshTokenVerifier } from '../../tokens/refresh-token-verifier.js';
import { CookieSelector } from '../cookies/cookie-selector.js';
import { LogoutDto } from '../dto.js';
import type { LogoutCredential, LogoutRequest } from '../requests.js';
import { validateBody } from './validate-body.js';

/**
 * Finds the tokens whose sessions are to be revoked, which are then in `request.logoutCredential`: an access token that has
 * not expired, of a revoked session or not, and refresh tokens of any generation. With neither, the request is to be
 * refused: its sender would believe that a session was revoked.
 */
@Injectable()
export class LogoutGuard implements CanActivate {
  constructor(
    private readonly accessTokens: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokenVerifier,
    private readonly cookies: CookieSelector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<LogoutRequest>();
    request.body = await validateBody(request.body ?? {}, LogoutDto);
    request.logoutCredential = this.find(request);
    return true;
  }

  private find(request: LogoutRequest): LogoutCredential {
    const access = this.verifyAccessToken(request);
    const refresh = this.verifyRefreshToken(request, access instanceof Problem ? null : access);

    const session = access instanceof Problem ? null : access;
    const tokens = refresh?.kind === 'tokens' ? refresh.tokens : [];
    if (session || tokens.length > 0) return { kind: 'tokens', session, tokens };
    if (access instanceof Problem) return { kind: 'rejected', problem: access };
    return refresh?.kind === 'rejected' ? refresh : rejected('access_token_missing');
  }

  private verifyAccessToken(request: FastifyRequest): Identity | Problem | null {
    const bearer = readBearerToken(request);
    if (bearer.kind === 'none') return null;
    const identity = bearer.kind === 'token' ? this.accessTokens.verify(bearer.token)?.identity : null;
    if (!identity) return new Problem('access_token_invalid');
    const code = this.accessTokens.whyOutOfTime(identity);
    return code ? new Problem(code) : identity;
  }

  /**
   * Null where there is none. A token in the body comes before cookies, and so does an empty one: its client keeps tokens
   * itself. Cookies that a foreign origin may not use do not count where an access token says who the caller is.
   */
  private verifyRefreshToken(request: LogoutRequest, caller: Identity | null): RefreshCredential | null {
    const { refresh_token: token, session_id: sessionId } = request.body;
    if (token === '') return null;
    if (token !== undefined) return credentialInBody(this.refreshTokens.verify(token)?.presented);
    if (caller && sessionId === undefined) return this.cookies.selectOwn(request, caller.userId);
    const selected = this.cookies.select(request, sessionId);
    return selected.kind === 'rejected' && selected.problem.code === 'refresh_token_missing' ? null : selected;
  }
}
