import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { setLogSubject } from '../http/request-log.js';
import { problemKind } from '../problem/catalogue.js';
import type { Problem } from '../problem/problem.js';
import { toRefreshProblem, type RefreshOutcome } from '../sessions/refresh-outcome.js';
import type { LiveSession } from '../sessions/session-row.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';
import type { TokenResponse } from './dto.js';
import { KnownDevices } from './known-devices.js';
import type { RefreshRequest } from './requests.js';
import { TokenIssuer } from './token-issuer.js';

/** Proxies usually allow 4 kB for the head of a response. */
const MAX_CLEARED_COOKIES = 20;

/** Delivers the tokens of a session in the way that was chosen at sign-in: in JSON, or with a cookie. */
@Injectable()
export class TokenDelivery {
  constructor(
    private readonly issuer: TokenIssuer,
    private readonly cookies: RefreshCookies,
    private readonly devices: KnownDevices,
  ) {}

  /** Tokens that are new to the client. In cookie delivery the refresh token goes into the cookie of its session. */
  issueTokens(session: LiveSession, reply: FastifyReply): TokenResponse {
    const response = this.issuer.tokenResponse(session);
    if (session.delivery === 'cookie') {
      this.cookies.set(reply, session.id, this.issuer.refreshToken(session), session.expiresAt);
    }
    return response;
  }

  /**
   * Tokens of a session for which the user has just proved the password, and a device token.
   *
   * @param canonical address of the user
   */
  issueTokensToDevice(
    session: LiveSession,
    canonical: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): TokenResponse {
    const response = this.issueTokens(session, reply);
    const device = this.devices.issue(session, canonical, request, reply);
    return device === null ? response : { ...response, device_token: device };
  }

  /** The same for a new session. In cookie delivery the cookies of all other sessions are cleared. */
  startSession(session: LiveSession, canonical: string, request: FastifyRequest, reply: FastifyReply): TokenResponse {
    setLogSubject(request, { userId: session.userId, sessionId: session.id });
    const response = this.issueTokensToDevice(session, canonical, request, reply);
    const own = this.cookies.nameOf(session.id);
    if (session.delivery === 'cookie') this.clearWhere((name) => name !== own, request, reply);
    return response;
  }

  /**
   * The response to a refresh. No cookie for an unchanged refresh token, because a late response must never overwrite a
   * newer cookie with an older one; and none for a token from a body, which any site can send (login CSRF). Throws the
   * problem of a refresh that failed.
   */
  refreshed(outcome: RefreshOutcome, request: RefreshRequest, reply: FastifyReply): TokenResponse {
    const { refreshCredential: credential } = request;
    const isByCookie = credential.kind === 'tokens' && credential.via === 'cookie';
    if ('session' in outcome) {
      setLogSubject(request, { userId: outcome.session.userId, sessionId: outcome.session.id });
      const isNew = outcome.outcome !== 'unchanged';
      return isNew && isByCookie
        ? this.issueTokens(outcome.session, reply)
        : this.issuer.tokenResponse(outcome.session);
    }
    if ('sessionId' in outcome) setLogSubject(request, outcome);
    const cookieOfSession = isByCookie && 'sessionId' in outcome ? this.cookies.nameOf(outcome.sessionId) : undefined;
    const problem = toRefreshProblem(outcome);
    return this.refuse(
      { problem, cookie: credential.kind === 'rejected' ? credential.cookie : cookieOfSession },
      reply,
    );
  }

  /**
   * Throws the problem. A terminal one clears the cookie that it is about, and no other; a guarded route clears none,
   * because the client needs the cookie to refresh, and that response says why the session was revoked.
   */
  refuse({ problem, cookie }: { problem: Problem; cookie?: string | undefined }, reply: FastifyReply): never {
    if (problemKind(problem.code).terminal && cookie !== undefined) this.cookies.clear(reply, cookie);
    throw problem;
  }

  /** Clears the cookies of these sessions, where the browser has them. */
  clear(sessionIds: string[], request: FastifyRequest, reply: FastifyReply): void {
    const names = new Set(sessionIds.map((id) => this.cookies.nameOf(id)));
    this.clearWhere((name) => names.has(name), request, reply);
  }

  private clearWhere(isMeant: (name: string) => boolean, request: FastifyRequest, reply: FastifyReply): void {
    const meant = this.cookies.readAll(request).filter(({ name }) => isMeant(name));
    for (const { name } of meant.slice(0, MAX_CLEARED_COOKIES)) this.cookies.clear(reply, name);
  }
}
