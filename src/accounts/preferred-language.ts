import type { FastifyRequest } from 'fastify';
import { canonicalLocale } from '../users/dto.js';

/** The language that a browser names first in `Accept-Language` (RFC 9110 section 12.5.4); null where it names none. */
export function preferredLanguage({ headers }: FastifyRequest): string | null {
  const [first = ''] = (headers['accept-language'] ?? '').split(/[,;]/, 1);
  return canonicalLocale(first.trim());
}
