import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem/problem.js';

/** Tells clients of a stopping process to go elsewhere. */
export class Drain {
  private draining = false;

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRequest', async (_request, reply) => {
      if (!this.draining) return;
      void reply.header('connection', 'close');
      throw new Problem('shutting_down');
    });
    // Those that were accepted before are answered in full, and told not to send another on this connection.
    fastify.addHook('onSend', async (_request, reply) => {
      if (this.draining) void reply.header('connection', 'close');
    });
  }

  begin(): void {
    this.draining = true;
  }
}
