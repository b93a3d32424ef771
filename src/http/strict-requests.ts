import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';
import { MAX_MEMBERS } from './json-limits.js';

/** Browsers and proxies send less than 40. */
const MAX_HEADER_LINES = 100;
const CONTINUE = '100-continue';

/**
 * Refuses HTTP/1.1 without Host (RFC 9112 section 3.2), more than 100 header lines, because Node drops those beyond 1,000
 * without an error, and `?a=1&a=2`: attackers use parameters that two programs read
 * differently (OWASP ASVS 5.0 15.3.7).
 */
export const strictRequests = fp(
  (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, _reply, next) => {
      const { headers, httpVersion, rawHeaders } = request.raw;
      if (rawHeaders.length > 2 * MAX_HEADER_LINES) return next(new Problem('headers_too_large'));
      const { expect = CONTINUE } = headers;
      if (expect.toLowerCase() !== CONTINUE) return next(new Problem('expectation_failed'));
      if (headers.host === undefined && httpVersion === '1.1') return next(new Problem('malformed_request'));
      if (Object.keys(request.query as object).length > MAX_MEMBERS) return next(new Problem('too_many_members'));
      if (hasRepeatedParameter(request)) return next(new Problem('repeated_parameter'));
      next();
    });
    done();
  },
  { name: 'strict-requests', dependencies: ['security-headers', 'cors', 'connection-draining'] },
);

function hasRepeatedParameter(request: FastifyRequest): boolean {
  const query = request.query as Record<string, unknown> | null;
  for (const name in query) if (Array.isArray(query[name])) return true;
  return false;
}
