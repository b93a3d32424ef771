import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';

/**
 * Refuses HTTP/1.1 without Host (RFC 9112 section 3.2), and `?a=1&a=2`: attackers use parameters that two programs read
 * differently (OWASP ASVS 5.0 15.3.7).
 */
export const strictRequests = fp(
  (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, _reply, next) => {
      const { headers, httpVersion } = request.raw;
      if (headers.host === undefined && httpVersion === '1.1') return next(new Problem('malformed_request'));
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
