import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../common/problem/problem.js';
import { problemKind } from '../common/problem/catalogue.js';
import type { LiveSession } from '../sessions/session-row.js';
import { RefreshTokens } from '../tokens/refresh-tokens.js';
import { judgedBy } from './cookies/presented.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';
import type { TokenAnswer } from './dto.js';
import { TokenAnswers } from './token-answers.js';

/** Hands a session's tokens to its client in the way that was chosen when the session began. */
@Injectable()
export class Delivery {
  constructor(
    private readonly answers: TokenAnswers,
    private readonly refreshTokens: RefreshTokens,
    private readonly cookies: RefreshCookies,
  ) {}

  /** What is new to the client: in cookie delivery its refresh token goes into the session's own cookie. */
  hand(session: LiveSession, reply: FastifyReply): TokenAnswer {
    if (session.delivery === 'cookie') {
      const token = this.refreshTokens.issue(TokenAnswers.grantOf(session));
      this.cookies.set(reply, session.id, token, session.expiresAt);
    }
    return this.answers.for(session);
  }

  /** The same refresh token again: no cookie, as a late answer must never put an older one over a newer one. */
  handAgain(session: LiveSession): TokenAnswer {
    return this.answers.for(session);
  }

  /** Clears the cookies of these sessions, where the browser has them. */
  clear(sessionIds: string[], request: FastifyRequest, reply: FastifyReply): void {
    const names = new Set(sessionIds.map((id) => this.cookies.nameOf(id)));
    for (const { name } of this.cookies.presentedBy(request)) if (names.has(name)) this.cookies.clear(reply, name);
  }

  /** A new session in this browser: the cookies of all others go. */
  clearOthers(session: LiveSession, request: FastifyRequest, reply: FastifyReply): void {
    const own = this.cookies.nameOf(session.id);
    for (const { name } of this.cookies.presentedBy(request)) if (name !== own) this.cookies.clear(reply, name);
  }

  /** A terminal answer takes the cookie along that it is about, and no other; any other answer leaves all as they are. */
  clearDead(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
    if (!problemKind(problem.code).terminal) return;
    const { sessionId } = problem.options;
    const name = sessionId === undefined ? judgedBy(request)?.name : this.cookies.nameOf(sessionId);
    if (this.cookies.presentedBy(request).some((cookie) => cookie.name === name)) this.cookies.clear(reply, name!);
  }
}
