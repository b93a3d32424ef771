import type { FastifyRequest } from 'fastify';

/** No token is this: whoever gets it refuses it. */
const AMBIGUOUS = 'two Authorization headers';

/**
 * What stands in `Authorization: Bearer …` (RFC 6750 section 2.1), whatever it is; null where there is no such header.
 * Two headers are refused: Node keeps the first, and a proxy may have looked at the second.
 */
export function bearerToken(request: unknown): string | null {
  const { raw } = request as FastifyRequest;
  const match = /^Bearer +(.+)$/i.exec(raw.headers.authorization ?? '');
  if (!match) return null;
  let headers = 0;
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    if (raw.rawHeaders[i]!.toLowerCase() === 'authorization') headers++;
  }
  return headers === 1 ? match[1]! : AMBIGUOUS;
}
