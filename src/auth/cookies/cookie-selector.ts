import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SessionsService } from '../../sessions/sessions.service.js';
import { RefreshTokenService } from '../../tokens/refresh-token.service.js';
import { CsrfProtection } from './csrf-protection.js';
import { judgeBy } from './selected-cookie.js';
import { RefreshCookies, type PresentedCookie } from './refresh-cookies.js';

/** A cookie with a token of the session that it is named after. */
interface KnownCookie {
  cookie: PresentedCookie;
  sessionId: string;
  userId: string;
}

/** Which of a browser's cookies a request is about. */
@Injectable()
export class CookieSelector {
  constructor(
    private readonly cookies: RefreshCookies,
    private readonly tokens: RefreshTokenService,
    private readonly sessions: SessionsService,
    private readonly crossSite: CsrfProtection,
  ) {}

  /**
   * From now on the refresh token of the request is that of the cookie it is about: of the session that is named, and no
   * other; where none is named, of the newest living one. False where there is no such cookie. Throws `cross_site_request`.
   */
  async judge(request: FastifyRequest, sessionId?: string): Promise<boolean> {
    const presented = this.cookies.presentedBy(request);
    if (presented.length === 0) return false;
    this.crossSite.assertCookieUse(request);
    const cookie =
      sessionId === undefined
        ? await this.newest(presented)
        : presented.find(({ name }) => name === this.cookies.nameOf(sessionId));
    if (!cookie) return false;
    judgeBy(request, this.known([cookie]).length > 0 ? cookie : { ...cookie, token: 'of no session of this name' });
    return true;
  }

  /** The same beside an access token, which says whose request it is: other people's cookies are none of its business. */
  async judgeByOwn(request: FastifyRequest, userId: string): Promise<void> {
    const own = this.knownOf(request).filter((known) => known.userId === userId);
    const cookie = this.crossSite.mayUse(request) && (await this.newest(own.map((known) => known.cookie)));
    if (cookie) judgeBy(request, cookie);
  }

  /** The sessions that the cookies of a request are of, and whose they are. */
  knownOf(request: FastifyRequest): KnownCookie[] {
    return this.known(this.cookies.presentedBy(request));
  }

  private async newest(presented: PresentedCookie[]): Promise<PresentedCookie | undefined> {
    if (presented.length < 2) return presented[0];
    const known = this.known(presented);
    const living = await this.sessions.newestLiving(known.map(({ sessionId }) => sessionId));
    // None lives: the newest says why. An id is as old as its session (UUID v7).
    const [newest] = known.sort((a, b) => (a.sessionId < b.sessionId ? 1 : -1));
    return (known.find(({ sessionId }) => sessionId === living) ?? newest)?.cookie ?? presented[0];
  }

  private known(presented: PresentedCookie[]): KnownCookie[] {
    return presented.flatMap((cookie) => {
      const known = this.tokens.verify(cookie.token)?.presented;
      // Under another session's name, it was put there by somebody.
      if (!known || this.cookies.nameOf(known.sessionId) !== cookie.name) return [];
      return [{ cookie, sessionId: known.sessionId, userId: known.userId }];
    });
  }
}
