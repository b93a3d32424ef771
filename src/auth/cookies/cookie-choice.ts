import { Injectable } from '@nestjs/common';
import { SessionsService } from '../../sessions/sessions.service.js';
import { RefreshTokens } from '../../tokens/refresh-tokens.js';
import { RefreshCookies, type PresentedCookie } from './refresh-cookies.js';

/** Which of several cookies a request is about. */
@Injectable()
export class CookieChoice {
  constructor(
    private readonly cookies: RefreshCookies,
    private readonly tokens: RefreshTokens,
    private readonly sessions: SessionsService,
  ) {}

  /** That of the session which the client names, and no other; where it names none, that of the newest living session. */
  async choose(presented: PresentedCookie[], sessionId?: string): Promise<PresentedCookie | undefined> {
    if (sessionId !== undefined) return presented.find(({ name }) => name === this.cookies.nameOf(sessionId));
    if (presented.length < 2) return presented[0];
    const known = this.ownedBy(presented);
    const living = await this.sessions.newestLiving(known.map(({ sessionId }) => sessionId));
    // None lives: the newest says why. An id is as old as its session (UUID v7).
    const [newest] = known.sort((a, b) => (a.sessionId < b.sessionId ? 1 : -1));
    return (known.find(({ sessionId }) => sessionId === living) ?? newest)?.cookie ?? presented[0];
  }

  /** The sessions that the cookies are really of, and whose. */
  ownedBy(presented: PresentedCookie[]): { cookie: PresentedCookie; sessionId: string; userId: string }[] {
    return presented.flatMap((cookie) => {
      const known = this.tokens.verify(cookie.token);
      return known ? [{ cookie, sessionId: known.presented.sessionId, userId: known.presented.userId }] : [];
    });
  }
}
