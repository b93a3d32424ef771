import { AggregatorRegistry, type Aggregator, Gauge, type Metric, Registry } from 'prom-client';

/** A metric as `getMetricsAsJSON()` returns it: plain data, which workers send to each other. */
export interface ReportedMetric {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  aggregator: Aggregator;
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
}

/** The numbers of one worker. */
export interface MetricsReport {
  worker: number;
  /** What the application counts. */
  application: ReportedMetric[];
  /** What Node measures of the process. */
  process: ReportedMetric[];
}

export async function readMetrics(registry: Registry): Promise<ReportedMetric[]> {
  return (await registry.getMetricsAsJSON()) as unknown as ReportedMetric[];
}

/** Counters and histograms alone. Gauges read what is gone when the application has closed. */
export function readTotals(registry: Registry): Promise<ReportedMetric[]> {
  const totals = new Registry();
  for (const metric of registry.getMetricsAsArray() as unknown as Metric[]) {
    if (!(metric instanceof Gauge)) totals.registerMetric(metric);
  }
  return readMetrics(totals);
}

/**
 * One registry of all reports. Counters and histograms add up, and each gauge says how it is aggregated. Metrics of a process
 * are not: the lag of one event loop is not the mean of two. They get the label `worker`.
 */
export function mergeReports(reports: MetricsReport[], others: ReportedMetric[][] = []): Registry {
  const application = reports.map((report) => report.application);
  const process = reports.map((report) => report.process.map((metric) => labelled(metric, report.worker)));
  return AggregatorRegistry.aggregate([...application, ...others, ...process]);
}

/** The counters and histograms of these lists, added up: what remains of workers that have exited. */
export function totalsOf(lists: ReportedMetric[][]): Promise<ReportedMetric[]> {
  return readMetrics(AggregatorRegistry.aggregate(lists.map(withoutGauges)));
}

export function withoutGauges(metrics: ReportedMetric[]): ReportedMetric[] {
  return metrics.filter(({ type }) => type !== 'gauge');
}

function labelled(metric: ReportedMetric, worker: number): ReportedMetric {
  const values = metric.values.map((value) => ({ ...value, labels: { worker, ...value.labels } }));
  return { ...metric, aggregator: 'first', values };
}
