import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../../config/config.js';
import { isForm } from '../../http/also-form.js';
import { ownOrigins } from '../../http/page-origin.js';
import { Problem } from '../../problem/problem.js';
import type { SessionDelivery } from '../../sessions/session.entity.js';
import { RefreshCookies } from './refresh-cookies.js';

/**
 * Protects cookies against CSRF and login CSRF. Browsers send cookies with every request, whichever page causes it; no page
 * can forge `Origin` and `Sec-Fetch-Site` (OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata" and "Verifying
 * Origin").
 */
@Injectable()
export class CsrfProtection {
  private readonly ownOrigins: ReadonlySet<string>;

  constructor(
    config: Config,
    private readonly cookies: RefreshCookies,
  ) {
    this.ownOrigins = ownOrigins(config);
  }

  /** Whether a request may use a cookie. Not as a form: other sites can send forms without a preflight. */
  allowsCookieUse(request: FastifyRequest): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isOwn = origin === undefined ? site === 'same-origin' : this.ownOrigins.has(origin);
    return isOwn && !isForm(request);
  }

  /**
   * For a sign-in, before its password is verified. One that asks for a cookie must not come from a page of another origin
   * (login CSRF); one that also presents cookies, whose sessions it replaces, must be allowed to use them. Others do not
   * touch cookies. Throws `cross_site_request`.
   */
  assertSignIn(request: FastifyRequest, delivery: SessionDelivery | undefined): void {
    if (delivery !== 'cookie') return;
    this.assertCookieIssue(request);
    if (this.cookies.readAll(request).length > 0) this.assertCookieUse(request);
  }

  private assertCookieIssue(request: FastifyRequest): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isForeign = origin !== undefined && !this.ownOrigins.has(origin);
    const isBySubdomain = origin === undefined && site === 'same-site';
    if (isForeign || isBySubdomain || site === 'cross-site') throw new Problem('cross_site_request');
  }

  private assertCookieUse(request: FastifyRequest): void {
    if (!this.allowsCookieUse(request)) throw new Problem('cross_site_request');
  }
}
