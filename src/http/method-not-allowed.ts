import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem/problem.js';
import { withoutOrigin } from './request-target.js';

/**
 * Tells a wrong method (405, with `Allow`) from a wrong address (404), both before the body is read: what it is does not
 * matter there. Call it before routes are registered.
 */
export function refuseWrongMethods(fastify: FastifyInstance): void {
  const routes: { methods: string[]; segments: string[] }[] = [];

  fastify.addHook('onRoute', ({ method, path }) => {
    if (path.includes('*')) return;
    routes.push({ methods: [method].flat(), segments: path.split('/') });
  });

  fastify.addHook('onRequest', async (request) => {
    if (!request.is404) return;
    const segments = (withoutOrigin(request.url).split('?', 1)[0] ?? '').split('/');
    const allowed = routes.filter((route) => matches(route.segments, segments)).flatMap(({ methods }) => methods);
    if (allowed.length > 0) {
      throw new Problem('method_not_allowed', { headers: { allow: [...new Set(allowed)].sort().join(', ') } });
    }
    throw new Problem('not_found');
  });
}

function matches(pattern: string[], path: string[]): boolean {
  return pattern.length === path.length && pattern.every((part, i) => part.startsWith(':') || part === path[i]);
}
