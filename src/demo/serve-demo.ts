import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Built by `npm run demo:build`. package.json maps `#demo`, for the source and for the build. */
const INDEX = fileURLToPath(import.meta.resolve('#demo/index.html'));

/** `nest build` alone does not build the demo. */
export const isDemoBuilt = (): boolean => existsSync(INDEX);

/** Serves the SPA of `demo/` at `/demo`. Never in production. */
export async function serveDemo(fastify: FastifyInstance): Promise<void> {
  // In a scope of its own: Swagger UI registers the same plugin.
  await fastify.register(async (scope) => {
    await scope.register(fastifyStatic, { root: dirname(INDEX), prefix: '/demo/', wildcard: false, index: false });
    for (const path of ['/demo', '/demo/']) scope.get(path, (_request, reply) => reply.sendFile('index.html'));
  });
}
