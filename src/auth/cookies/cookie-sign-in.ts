import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { SessionDelivery } from '../../sessions/session.entity.js';
import { CookieSelector } from './cookie-selector.js';
import { CsrfProtection } from './csrf-protection.js';
import { RefreshCookies } from './refresh-cookies.js';

interface Wish {
  delivery?: SessionDelivery;
}

/** A sign-in, or a registration, that asks for a cookie. Others have nothing to do with cookies, even where there are some. */
@Injectable()
export class CookieSignIn {
  constructor(
    private readonly cookies: RefreshCookies,
    private readonly choice: CookieSelector,
    private readonly crossSite: CsrfProtection,
  ) {}

  /** Before any password is looked at. Throws `cross_site_request`. */
  check(request: FastifyRequest, { delivery }: Wish): void {
    if (delivery !== 'cookie') return;
    this.crossSite.assertCookieIssue(request);
    if (this.cookies.presentedBy(request).length > 0) this.crossSite.assertCookieUse(request);
  }

  /** The sessions of this browser, whoever's they are. */
  replacedBy(request: FastifyRequest, { delivery }: Wish): string[] {
    if (delivery !== 'cookie') return [];
    return this.choice.knownOf(request).map(({ sessionId }) => sessionId);
  }
}
