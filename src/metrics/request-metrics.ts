import fp from 'fastify-plugin';
import type { Metrics } from './metrics.js';
import type { LogDestination } from '../http/log-destination.js';

/** A guarded request takes about a millisecond; a sign-in may wait in the queue for hashing. */
const BUCKETS_IN_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** The route of CORS preflights: it matches every path. */
const ANY = '*';

interface Options {
  metrics: Metrics;
  logDestination: LogDestination;
}

/** Durations by the pattern of the route, or `unmatched`: a label never contains a path that a caller made up. */
export const requestMetrics = fp<Options>(
  (fastify, { metrics, logDestination }, done) => {
    const durations = metrics.histogram(
      'http_request_duration_seconds',
      'From the head of a request to the end of its response',
      ['method', 'route', 'status'],
      BUCKETS_IN_SECONDS,
    );
    fastify.onCompletion((request, reply, aborted) => {
      const method = METHODS.has(request.method) ? request.method : 'other';
      const { url = ANY } = request.routeOptions;
      const route = url === ANY ? 'unmatched' : url;
      durations.observe({ method, route, status: aborted ? 'aborted' : reply.statusCode }, reply.elapsedTime / 1000);
    });
    metrics.countedElsewhere(
      'latchkey_log_lines_dropped_total',
      'Log lines that were dropped because stdout was not read or not writable',
      () => logDestination.droppedLines,
    );
    done();
  },
  { name: 'request-metrics', dependencies: ['request-completion'] },
);
