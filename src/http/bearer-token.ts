import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';

const AUTHORIZATION = 'authorization';

/** Unverified. `ambiguous`: several Authorization headers. */
type BearerToken = { kind: 'none' } | { kind: 'ambiguous' } | { kind: 'token'; token: string };

/** The token of `Authorization: Bearer …` (RFC 6750 section 2.1). */
export function readBearerToken({ raw }: FastifyRequest): BearerToken {
  const { authorization = '' } = raw.headers;
  const token = /^Bearer /i.test(authorization) ? authorization.slice('Bearer '.length).trimStart() : '';
  if (token === '') return { kind: 'none' };
  return hasSeveralAuthorizationHeaders(raw) ? { kind: 'ambiguous' } : { kind: 'token', token };
}

/** Whether a request has several Authorization headers: Node keeps the first, a proxy may have checked another one. */
export function hasSeveralAuthorizationHeaders({ rawHeaders }: IncomingMessage): boolean {
  let headers = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) headers++;
  }
  return headers > 1;
}
