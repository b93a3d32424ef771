import type { FastifyError, FastifyInstance } from 'fastify';
import type { Config } from '../config/config.js';
import { sendProblem } from '../problem/problem.filter.js';
import { isDemoBuilt } from './serve-demo.js';

/** `GET /` links to what a developer looks for first. Never in production, and not part of the API. */
export async function serveStartPage(fastify: FastifyInstance, config: Config): Promise<void> {
  const links = {
    name: 'Latchkey',
    ...(config.swaggerEnabled && { docs: '/docs', openapi: '/openapi.json' }),
    ...(isDemoBuilt() && { demo: '/demo' }),
    health: '/health/ready',
  };
  await fastify.register(async (scope) => {
    // The routes of Nest get its filter; this one is not a route of Nest.
    scope.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply));
    scope.get('/', () => links);
  });
}
