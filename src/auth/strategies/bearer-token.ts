import type { FastifyRequest } from 'fastify';

/**
 * The token of exactly one `Authorization: Bearer …` header (RFC 6750 section 2.1), or null. Node keeps the first of two
 * such headers, and a proxy may have looked at the second.
 */
export function bearerToken(request: unknown): string | null {
  const { raw } = request as FastifyRequest;
  const match = /^Bearer +([\w.~+/-]+=*)$/i.exec(raw.headers.authorization ?? '');
  if (!match) return null;
  let headers = 0;
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    if (raw.rawHeaders[i]!.toLowerCase() === 'authorization') headers++;
  }
  return headers === 1 ? match[1]! : null;
}
