import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { SessionDelivery } from '../../sessions/session.entity.js';
import { CookieChoice } from './cookie-selector.js';
import { CrossSite } from './csrf-protection.js';
import { RefreshCookies } from './refresh-cookies.js';

interface Wish {
  delivery?: SessionDelivery;
}

/** A sign-in, or a registration, that asks for a cookie. Others have nothing to do with cookies, even where there are some. */
@Injectable()
export class CookieSignIn {
  constructor(
    private readonly cookies: RefreshCookies,
    private readonly choice: CookieChoice,
    private readonly crossSite: CrossSite,
  ) {}

  /** Before any password is looked at. Throws `cross_site_request`. */
  check(request: FastifyRequest, { delivery }: Wish): void {
    if (delivery !== 'cookie') return;
    this.crossSite.refuseGift(request);
    if (this.cookies.presentedBy(request).length > 0) this.crossSite.refuseUse(request);
  }

  /** The sessions of this browser, whoever's they are. */
  replacedBy(request: FastifyRequest, { delivery }: Wish): string[] {
    if (delivery !== 'cookie') return [];
    return this.choice.knownOf(request).map(({ sessionId }) => sessionId);
  }
}
