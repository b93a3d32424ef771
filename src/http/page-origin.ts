import type { FastifyRequest } from 'fastify';
import type { Config } from '../config/config.js';

/** The origins whose pages may use this server: its own, and CORS_ORIGINS. */
export function ownOrigins({ issuer, corsOrigins }: Pick<Config, 'issuer' | 'corsOrigins'>): ReadonlySet<string> {
  return new Set([new URL(issuer).origin, ...corsOrigins]);
}

/**
 * Whether a browser says that a page of somebody else sends the request. No page can forge `Origin` and `Sec-Fetch-Site`
 * (W3C Fetch Metadata); what is no browser sends no `Sec-Fetch-Site`.
 */
export function isFromForeignPage({ headers }: Pick<FastifyRequest, 'headers'>, own: ReadonlySet<string>): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return origin === undefined || !own.has(origin);
}
