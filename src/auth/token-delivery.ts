import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../problem/problem.js';
import { problemKind } from '../problem/catalogue.js';
import type { LiveSession } from '../sessions/session-row.js';
import { judgedBy } from './cookies/selected-cookie.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';
import type { TokenResponse } from './dto.js';
import type { Refreshed } from './refresh-exchange.js';
import { TokenResponses } from './token-responses.js';

/** Proxies give the head of an answer 4 kB, as a rule. */
const MOST_CLEARED = 20;

/** Hands a session's tokens to its client in the way that was chosen when the session began. */
@Injectable()
export class TokenDelivery {
  constructor(
    private readonly answers: TokenResponses,
    private readonly cookies: RefreshCookies,
  ) {}

  /** What is new to the client: in cookie delivery its refresh token goes into the session's own cookie. */
  issueTokens(session: LiveSession, reply: FastifyReply): TokenResponse {
    const answer = this.answers.for(session);
    if (session.delivery === 'cookie') {
      this.cookies.set(reply, session.id, this.answers.refreshTokenOf(session), session.expiresAt);
    }
    return answer;
  }

  /**
   * After a refresh. The same refresh token again makes no cookie, as a late answer must never put an older one over a
   * newer one; nor does one from a body, which any site can send.
   */
  handRefreshed({ session, isNew }: Refreshed, request: FastifyRequest, reply: FastifyReply): TokenResponse {
    return isNew && judgedBy(request) ? this.issueTokens(session, reply) : this.answers.for(session);
  }

  /** A new session in this browser: the cookies of all others go. */
  startSession(session: LiveSession, request: FastifyRequest, reply: FastifyReply): TokenResponse {
    const answer = this.issueTokens(session, reply);
    const own = this.cookies.nameOf(session.id);
    if (session.delivery === 'cookie') this.clearWhere((name) => name !== own, request, reply);
    return answer;
  }

  /** Clears the cookies of these sessions, where the browser has them. */
  clear(sessionIds: string[], request: FastifyRequest, reply: FastifyReply): void {
    const names = new Set(sessionIds.map((id) => this.cookies.nameOf(id)));
    this.clearWhere((name) => names.has(name), request, reply);
  }

  /**
   * A terminal answer takes the cookie along that it was judged by, and no other; any other answer leaves all as they are. So
   * does a guarded route, whose caller has to ask with the cookie why the session is over.
   */
  clearOnTerminalError(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
    if (!problemKind(problem.code).terminal) return;
    const dead = judgedBy(request)?.name;
    this.clearWhere((name) => name === dead, request, reply);
  }

  private clearWhere(isMeant: (name: string) => boolean, request: FastifyRequest, reply: FastifyReply): void {
    const meant = this.cookies.presentedBy(request).filter(({ name }) => isMeant(name));
    for (const { name } of meant.slice(0, MOST_CLEARED)) this.cookies.clear(reply, name);
  }
}
