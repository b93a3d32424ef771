import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** What `npm run demo:build` makes; package.json says where, for the source and for what is built of it. */
const INDEX = fileURLToPath(import.meta.resolve('#demo/index.html'));

/** Whether there is something to serve: `nest build` alone makes none. */
export const isDemoBuilt = (): boolean => existsSync(INDEX);

/** The SPA of `demo/` at `/demo`: for whoever looks at Latchkey for the first time, and never in production. */
export async function serveDemo(fastify: FastifyInstance): Promise<void> {
  // In a scope of its own: Swagger UI serves its files by the same plugin.
  await fastify.register(async (scope) => {
    await scope.register(fastifyStatic, { root: dirname(INDEX), prefix: '/demo/', wildcard: false, index: false });
    for (const path of ['/demo', '/demo/']) scope.get(path, (_request, reply) => reply.sendFile('index.html'));
  });
}
