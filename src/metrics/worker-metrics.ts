import { Injectable } from '@nestjs/common';
import { Metrics } from './metrics.js';
import { readMetrics, type ReportedMetric } from './metrics-report.js';

interface WorkerNumbers {
  /** Workers whose numbers are in this response. */
  responding: number;
  /** Workers that serve, and did not send their numbers in time. */
  silent: number;
  /** Workers that are starting, or wait to be started again. */
  missing: number;
  deaths: number;
}

/** How many workers there are. A process without others is one. */
@Injectable()
export class WorkerMetrics {
  constructor(metrics: Metrics) {
    register(metrics, { responding: 1, silent: 0, missing: 0, deaths: 0 });
  }
}

/** The part that only the primary knows. It adds up with what the workers say of themselves. */
export function primaryMetrics(numbers: Omit<WorkerNumbers, 'responding'>): Promise<ReportedMetric[]> {
  const metrics = new Metrics();
  register(metrics, { ...numbers, responding: 0 });
  return readMetrics(metrics.registry);
}

function register(metrics: Metrics, { deaths, ...states }: WorkerNumbers): void {
  metrics.gaugeBy('latchkey_workers', 'Workers, by state', ['state'], 'sum', (set) => {
    for (const [state, count] of Object.entries(states)) set({ state }, count);
  });
  metrics.counter('latchkey_worker_deaths_total', 'Workers that exited although nobody had asked them to').inc(deaths);
}
