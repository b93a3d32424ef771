import fp from 'fastify-plugin';
import type { DurationHistogram, DurationSeries } from './duration-histogram.js';
import type { Metrics } from './metrics.js';
import type { LogDestination } from '../http/log-destination.js';

/** A guarded request takes about a millisecond; a sign-in may wait in the queue for hashing. */
const BUCKETS_IN_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** The route of CORS preflights: it matches every path. */
const ANY = '*';

const LABELS = ['method', 'route', 'status'] as const;
type Status = number | 'aborted';

interface Options {
  metrics: Metrics;
  logDestination: LogDestination;
}

/** Durations by the pattern of the route, or `unmatched`: a label never contains a path that a caller made up. */
export const requestMetrics = fp<Options>(
  (fastify, { metrics, logDestination }, done) => {
    const durations = new RequestDurations(
      metrics.durations(
        'http_request_duration_seconds',
        'From the head of a request to the end of its response',
        [...LABELS],
        BUCKETS_IN_SECONDS,
      ),
    );
    fastify.onCompletion(({ request, reply, route, ms, aborted }) => {
      durations.of(route ?? ANY, request.method, aborted ? 'aborted' : reply.statusCode).observe(ms / 1000);
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

/** Finds the series of a route, a method and a status. */
class RequestDurations {
  private readonly series = new Map<string, Map<string, Map<Status, DurationSeries>>>();

  constructor(private readonly histogram: DurationHistogram<(typeof LABELS)[number]>) {}

  of(path: string, text: string, status: Status): DurationSeries {
    const method = METHODS.has(text) ? text : 'other';
    return this.series.get(path)?.get(method)?.get(status) ?? this.add(path, method, status);
  }

  private add(path: string, method: string, status: Status): DurationSeries {
    const route = path === ANY ? 'unmatched' : path;
    const series = this.histogram.add({ method, route, status });
    const byMethod = this.series.get(path) ?? new Map<string, Map<Status, DurationSeries>>();
    const byStatus = byMethod.get(method) ?? new Map<Status, DurationSeries>();
    this.series.set(path, byMethod.set(method, byStatus.set(status, series)));
    return series;
  }
}
