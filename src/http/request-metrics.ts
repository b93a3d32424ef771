import type { FastifyInstance } from 'fastify';
import { observe } from './observe.js';
import type { Metrics } from '../metrics/metrics.js';

/** From a guarded request, which takes about a millisecond, to a sign-in that waited for others. */
const BUCKETS_IN_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** The route of a preflight, where other origins are let in: it answers for every address. */
const ANY = '*';

/** How long requests take, by the pattern of their route: an address that a caller made up is `unmatched`, whatever it is. */
export function measureRequests(fastify: FastifyInstance, metrics: Metrics): void {
  const durations = metrics.histogram(
    'http_request_duration_seconds',
    'From the head of a request to the end of its answer',
    ['method', 'route', 'status'],
    BUCKETS_IN_SECONDS,
  );
  observe(fastify, (request, reply) => (aborted) => {
    const method = METHODS.has(request.method) ? request.method : 'other';
    const { url = ANY } = request.routeOptions;
    const route = url === ANY ? 'unmatched' : url;
    durations.observe({ method, route, status: aborted ? 'aborted' : reply.statusCode }, reply.elapsedTime / 1000);
  });
}
