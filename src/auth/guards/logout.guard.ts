import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../../http/bearer-token.js';
import type { Identity } from '../../identity/identity.js';
import { Problem } from '../../problem/problem.js';
import { RevocationsService } from '../../revocations/revocations.service.js';
import { credentialInBody, rejected, type RefreshCredential } from '../../sessions/refresh-outcome.js';
import { SessionsService } from '../../sessions/sessions.service.js';
import { AccessTokenService } from '../../tokens/access-token.service.js';
import { RefreshTokenService } from '../../tokens/refresh-token.service.js';
import { CookieSelector } from '../cookies/cookie-selector.js';
import { LogoutDto } from '../dto.js';
import type { LogoutCredential, LogoutRequest, OwnedSession } from '../requests.js';
import { validateBody } from './validate-body.js';

/**
 * Finds the sessions to revoke, which are then in `request.logoutCredential`: that of an access token that has not expired,
 * revoked or not, and that of a refresh token of any generation. With neither, the request is to be refused: its sender
 * would believe that a session was revoked.
 */
@Injectable()
export class LogoutGuard implements CanActivate {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly revocations: RevocationsService,
    private readonly refreshTokens: RefreshTokenService,
    private readonly cookies: CookieSelector,
    private readonly sessions: SessionsService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<LogoutRequest>();
    request.body = await validateBody(request.body ?? {}, LogoutDto);
    request.logoutCredential = await this.find(request);
    return true;
  }

  private async find(request: LogoutRequest): Promise<LogoutCredential> {
    const access = this.verifyAccessToken(request);
    const refresh = this.verifyRefreshToken(request, access instanceof Problem ? null : access);

    const sessions: OwnedSession[] = access === null || access instanceof Problem ? [] : [access];
    if (refresh?.kind === 'tokens') sessions.push(await this.sessions.newestOf(refresh.tokens));
    const [first, ...others] = sessions;
    if (first) return { kind: 'sessions', sessions: [first, ...others] };
    if (access instanceof Problem) return { kind: 'rejected', problem: access };
    return refresh?.kind === 'rejected' ? refresh : rejected('access_token_missing');
  }

  private verifyAccessToken(request: FastifyRequest): Identity | Problem | null {
    const bearer = readBearerToken(request);
    if (bearer.kind === 'none') return null;
    const identity = bearer.kind === 'token' ? this.accessTokens.verify(bearer.token)?.identity : null;
    if (!identity) return new Problem('access_token_invalid');
    const code = this.revocations.whyOutOfTime(identity);
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
