import type { FastifyRequest } from 'fastify';
import { clientAddress } from './client-address.js';

const MAX_USER_AGENT = 256;

/** Where a request comes from, for its user to recognise it. */
export interface RequestOrigin {
  ip: string;
  userAgent: string;
}

/** The address of the client as far as TRUST_PROXY says, and the first 256 characters of its `User-Agent`. */
export function requestOrigin(request: FastifyRequest): RequestOrigin {
  return { ip: clientAddress(request), userAgent: (request.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT) };
}
