import fp from 'fastify-plugin';
import { Problem } from '../problem/problem.js';
import { withoutOrigin } from './request-target.js';

interface Route {
  methods: string[];
  segments: string[];
}

/**
 * Distinguishes a wrong method (405, with `Allow`) from an unknown path (404), before the body is read. Sees only routes
 * that are added after it.
 */
export const methodNotAllowed = fp(
  (fastify, _options, done) => {
    const routes: Route[] = [];
    fastify.addHook('onRoute', ({ method, path }) => {
      if (!path.includes('*')) routes.push({ methods: [method].flat(), segments: path.split('/') });
    });
    fastify.addHook('onRequest', (request, _reply, next) => {
      if (!request.is404) return next();
      const allow = allowedMethods(routes, request.url);
      next(allow === '' ? new Problem('not_found') : new Problem('method_not_allowed', { headers: { allow } }));
    });
    done();
  },
  { name: 'method-not-allowed', dependencies: ['cors', 'connection-draining', 'strict-requests'] },
);

function allowedMethods(routes: Route[], url: string): string {
  const segments = (withoutOrigin(url).split('?', 1)[0] ?? '').split('/');
  const methods = routes.filter((route) => matches(route.segments, segments)).flatMap((route) => route.methods);
  return [...new Set(methods)].sort().join(', ');
}

function matches(pattern: string[], path: string[]): boolean {
  return pattern.length === path.length && pattern.every((part, i) => part.startsWith(':') || part === path[i]);
}
