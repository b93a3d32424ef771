import fp from 'fastify-plugin';
import type { RateLimits } from './rate-limits.service.js';

/** Gives the points of requests that did not fail back, once their responses are complete. */
export const giveBackPoints = fp<{ limits: RateLimits }>(
  (fastify, { limits }, done) => {
    fastify.decorateRequest('rateLimitPoints', null);
    fastify.decorateRequest('isOverSoftLimit', false);
    fastify.onCompletion(({ request, reply, aborted }) => limits.settle(request, reply.statusCode, aborted));
    done();
  },
  { name: 'give-back-points', dependencies: ['request-completion'] },
);
