import type { MetricsReport, ReportedMetric } from '../metrics/metrics-report.js';

/** What a scrape is made of. */
export interface CollectedMetrics {
  reports: MetricsReport[];
  /** Counters of workers that have exited or are silent, and what only the primary knows. */
  others: ReportedMetric[][];
}

export type ToPrimary =
  | { kind: 'serving'; port: number }
  | { kind: 'report'; id: number; report: MetricsReport }
  | { kind: 'totals'; totals: ReportedMetric[] }
  | { kind: 'scrape'; id: number };

export type ToWorker =
  | { kind: 'handOver' }
  | { kind: 'reportWanted'; id: number }
  | { kind: 'collected'; id: number; metrics: CollectedMetrics };
