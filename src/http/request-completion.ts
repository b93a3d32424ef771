import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

/** `aborted`: the client disconnected before it had the whole response. The request may have been served all the same. */
type CompletionListener = (request: FastifyRequest, reply: FastifyReply, aborted: boolean) => void;

declare module 'fastify' {
  interface FastifyInstance {
    /** Calls the listener once for every request, when its response is complete or its client has disconnected. */
    onCompletion(listener: CompletionListener): void;
  }
}

/** Fastify's `onResponse` hook skips clients that disconnect: an attacker could avoid the log that way. */
export const requestCompletion = fp(
  (fastify, _options, done) => {
    const listeners: CompletionListener[] = [];
    fastify.decorate('onCompletion', (listener: CompletionListener) => void listeners.push(listener));
    fastify.addHook('onRequest', (request, reply, next) => {
      reply.raw.once('close', () => {
        const aborted = !reply.raw.writableFinished;
        for (const listener of listeners) listener(request, reply, aborted);
      });
      next();
    });
    done();
  },
  { name: 'request-completion' },
);
