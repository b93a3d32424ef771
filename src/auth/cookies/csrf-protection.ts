import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import { Config } from '../../config/config.js';

/**
 * Whose page a request came from. Browsers send cookies along whoever asks; `Origin` and `Sec-Fetch-Site` are what no page
 * can lie about (OWASP Cross-Site Request Forgery Prevention, "Fetch Metadata" and "Verifying Origin").
 */
@Injectable()
export class CsrfProtection {
  private readonly ours: Set<string>;

  constructor({ issuer, corsOrigins }: Config) {
    this.ours = new Set([new URL(issuer).origin, ...corsOrigins]);
  }

  /** For a request that uses a cookie. Forms are what other sites can send without asking. Throws `cross_site_request`. */
  assertCookieUse(request: FastifyRequest): void {
    if (!this.mayUse(request)) throw new Problem('cross_site_request');
  }

  mayUse(request: FastifyRequest): boolean {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isOurs = origin === undefined ? site === 'same-origin' : this.ours.has(origin);
    return isOurs && !isForm(request);
  }

  /** For a request that asks for a cookie: nobody is to be signed in by another site. Throws `cross_site_request`. */
  assertCookieIssue(request: FastifyRequest): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isForeign = origin !== undefined && !this.ours.has(origin);
    if (isForeign || site === 'cross-site') throw new Problem('cross_site_request');
  }
}
