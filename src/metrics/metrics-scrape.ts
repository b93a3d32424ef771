import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Metrics } from './metrics.js';
import { readMetrics, readTotals, type MetricsReport, type ReportedMetric } from './metrics-report.js';
import { processMetrics } from './process-metrics.js';

/** The response to a scrape: the numbers of this process or, where there are workers, those of all. */
@Injectable()
export class MetricsScrape {
  private readonly process = processMetrics();
  private ofAllWorkers: (() => Promise<Registry>) | undefined;

  constructor(private readonly metrics: Metrics) {}

  /** @param collect one registry of the reports of all workers */
  collectWith(collect: () => Promise<Registry>): void {
    this.ofAllWorkers = collect;
  }

  async read(): Promise<Registry> {
    return this.ofAllWorkers ? this.ofAllWorkers() : Registry.merge([this.metrics.registry, this.process]);
  }

  /** The numbers of this process alone. */
  async report(worker: number): Promise<MetricsReport> {
    return { worker, application: await readMetrics(this.metrics.registry), process: await readMetrics(this.process) };
  }

  /** What this process has counted, also after the application has closed. */
  totals(): Promise<ReportedMetric[]> {
    return readTotals(this.metrics.registry);
  }
}
