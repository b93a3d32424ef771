import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Sees every request, and again when it is over. `aborted`: the client went away before it had the whole answer; what was
 * asked for may have been done all the same.
 */
type Observer = (request: FastifyRequest, reply: FastifyReply) => (aborted: boolean) => void;

/** Fastify's own hook passes over requests whose client hangs up: whoever wants to leave no trace would do that. */
export function observe(fastify: FastifyInstance, observer: Observer): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const isOver = observer(request, reply);
    reply.raw.once('close', () => isOver(!reply.raw.writableFinished));
  });
}
