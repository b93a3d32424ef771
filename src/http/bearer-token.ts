import type { FastifyRequest } from 'fastify';
import { isAmbiguous } from './authorization.js';

/** No token is this: whoever gets it refuses it. */
const AMBIGUOUS = 'two Authorization headers';

/**
 * What stands in `Authorization: Bearer …` (RFC 6750 section 2.1), whatever it is; null where there is no such header.
 * Two headers are refused.
 */
export function bearerToken(request: unknown): string | null {
  const { raw } = request as FastifyRequest;
  const { authorization = '' } = raw.headers;
  if (!/^Bearer /i.test(authorization)) return null;
  return isAmbiguous(raw) ? AMBIGUOUS : authorization.slice('Bearer '.length).trimStart();
}
