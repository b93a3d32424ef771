import type { FastifyRequest } from 'fastify';
import { clientAddress, networkOf } from '../http/client-address.js';
import { ticketFor, type Ticket } from '../passwords/fair-queue.js';

/** The ticket for all hashing that a request causes. */
export function hashingTicket(request: FastifyRequest): Ticket {
  return ticketFor(networkOf(clientAddress(request)));
}
