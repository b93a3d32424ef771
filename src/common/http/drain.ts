import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem/problem.js';

const SWEEP_INTERVAL_MS = 50;

/** The end of a server's connections: what was accepted is answered, what comes is sent elsewhere. */
export class Drain {
  private draining = false;
  private underWay = 0;

  constructor(private readonly fastify: FastifyInstance) {
    fastify.addHook('onRequest', async (request, reply) => {
      if (this.draining) {
        void reply.header('connection', 'close');
        throw new Problem('shutting_down');
      }
      this.underWay++;
      // Also when the client goes away, be it before a pipelined request's turn: Fastify's own hook is called for whole
      // answers only.
      const { socket } = request.raw;
      const done = () => {
        this.underWay--;
        reply.raw.off('close', done);
        socket.off('close', done);
      };
      reply.raw.once('close', done);
      socket.once('close', done);
    });
    // Those that were accepted before are answered in full, and told not to send another on this connection.
    fastify.addHook('onSend', async (_request, reply) => {
      if (this.draining) void reply.header('connection', 'close');
    });
  }

  /**
   * Refuses new requests from now on, and closes connections as they fall idle. Once nothing is under way it closes all:
   * browsers open connections in advance, and Node does not count those it never heard from as idle.
   */
  begin(): void {
    this.draining = true;
    setInterval(() => {
      if (this.underWay === 0) this.fastify.server.closeAllConnections();
      else this.fastify.server.closeIdleConnections();
    }, SWEEP_INTERVAL_MS).unref();
  }
}
