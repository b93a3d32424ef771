import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import { MAX_MEMBERS } from './json-limits.js';

/** Browsers and proxies send less than 40. */
const MAX_HEADER_LINES = 100;
const CONTINUE = '100-continue';

/**
 * Refuses what Fastify would let pass: more than 100 header lines, because Node drops those beyond 1,000 without an error;
 * an unknown `Expect` (RFC 9110 section 10.1.1); HTTP/1.1 without Host (RFC 9112 section 3.2); long queries; and
 * `?a=1&a=2`, because attackers use parameters that two programs read differently (OWASP ASVS 5.0 15.3.7).
 */
export const strictRequests = fp(
  (fastify, _options, done) => {
    fastify.addHook('onRequest', (request, _reply, next) => {
      const { headers, httpVersion, rawHeaders } = request.raw;
      if (rawHeaders.length > 2 * MAX_HEADER_LINES) return next(new Problem('headers_too_large'));
      const { expect = CONTINUE } = headers;
      if (expect.toLowerCase() !== CONTINUE) return next(new Problem('expectation_failed'));
      if (headers.host === undefined && httpVersion === '1.1') return next(new Problem('malformed_request'));
      const refusal = findQueryRefusal(request);
      next(refusal ? new Problem(refusal) : undefined);
    });
    done();
  },
  { name: 'strict-requests', dependencies: ['cors', 'connection-draining'] },
);

function findQueryRefusal(request: FastifyRequest): ProblemCode | null {
  const query = request.query as Record<string, unknown> | null;
  let parameters = 0;
  for (const name in query) {
    if (Array.isArray(query[name])) return 'repeated_parameter';
    if (++parameters > MAX_MEMBERS) return 'too_many_members';
  }
  return null;
}
