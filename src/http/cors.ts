import fastifyCors from '@fastify/cors';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { CHALLENGE_HEADER } from './challenge-header.js';

/** Callers choose origins: neither the log nor the memory may grow with them. */
const MAX_LOGGED_ORIGINS = 100;
const MAX_LOGGED_LENGTH = 100;

/** Allows these origins, and never reflects another one. Preflights end here: their headers must be set before. */
export const cors = fp<{ origins: string[] }>(
  async (fastify, { origins }) => {
    const refused = new RefusedOrigins(origins);
    fastify.addHook('onRequest', (request, _reply, next) => {
      refused.logOnce(request);
      next();
    });
    if (origins.length === 0) return;
    await fastify.register(fastifyCors, {
      origin: origins,
      methods: ['GET', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: ['Authorization', 'Content-Type', CHALLENGE_HEADER],
      exposedHeaders: ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id'],
      maxAge: 600,
      // For the refresh cookies. `CsrfProtection` refuses those of other origins.
      credentials: true,
      strictPreflight: false,
    });
  },
  { name: 'cors', dependencies: ['request-id', 'request-log', 'request-metrics'] },
);

/** A browser only tells its user that CORS refused something: the operator reads here which setting to change. */
class RefusedOrigins {
  private readonly allowed: Set<string>;
  private readonly logged = new Set<string>();

  constructor(allowed: string[]) {
    this.allowed = new Set(allowed);
  }

  logOnce(request: FastifyRequest): void {
    const { origin } = request.headers;
    if (origin === undefined || this.allowed.has(origin) || isSameOrigin(origin, request)) return;
    const shown = origin.slice(0, MAX_LOGGED_LENGTH);
    if (this.logged.has(shown) || this.logged.size >= MAX_LOGGED_ORIGINS) return;
    this.logged.add(shown);
    request.log.warn({ origin: shown }, 'CORS refused this origin: to allow it, add it to CORS_ORIGINS');
  }
}

/** Browsers also send `Origin` with requests of a page of this very server. */
function isSameOrigin(origin: string, { headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] === 'same-origin' || origin.split('://', 2)[1] === headers.host;
}
