import type { FastifyRequest } from 'fastify';
import { requestOrigin } from '../http/request-origin.js';
import type { SessionDelivery } from '../sessions/session.entity.js';
import type { Device } from '../sessions/sessions.service.js';

/** Where a session starts. */
export function deviceOf(request: FastifyRequest, delivery: SessionDelivery = 'body'): Device {
  return { ...requestOrigin(request), delivery };
}
