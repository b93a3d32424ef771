import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

/** A request whose response is complete, or whose client has disconnected. */
export interface CompletedRequest {
  request: FastifyRequest;
  reply: FastifyReply;
  /** The pattern of its route; null where none matched. */
  route: string | null;
  /** Since the head of the request was read. */
  ms: number;
  /** The client disconnected before it had the whole response. The request may have been served all the same. */
  aborted: boolean;
}

type CompletionListener = (completed: CompletedRequest) => void;

declare module 'fastify' {
  interface FastifyInstance {
    /** Calls the listener once for every request. */
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
        const route = request.routeOptions.url ?? null;
        const aborted = !reply.raw.writableFinished;
        const completed = { request, reply, route, ms: reply.elapsedTime, aborted };
        for (const listener of listeners) listener(completed);
      });
      next();
    });
    done();
  },
  { name: 'request-completion' },
);
