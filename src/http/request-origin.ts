import type { FastifyRequest } from 'fastify';
import { clientAddress } from './client-address.js';

const MAX_USER_AGENT_LENGTH = 256;

/** Where a request comes from, for its user to recognise it. */
export interface RequestOrigin {
  ip: string;
  userAgent: string;
}

export function requestOrigin(request: FastifyRequest): RequestOrigin {
  const userAgent = (request.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT_LENGTH);
  return { ip: clientAddress(request), userAgent };
}
