import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/config.js';
import { isDemoBuilt } from './serve-demo.js';

/** `GET /` links to what a developer looks for first. Never in production, and not part of the API. */
export function serveStartPage(fastify: FastifyInstance, config: Config): void {
  const links = {
    name: 'Latchkey',
    ...(config.swaggerEnabled && { docs: '/docs', openapi: '/openapi.json' }),
    ...(isDemoBuilt() && { demo: '/demo' }),
    health: '/health/ready',
  };
  fastify.get('/', () => links);
}
