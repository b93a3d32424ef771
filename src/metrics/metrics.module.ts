import { type DynamicModule, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsScrape } from './metrics-scrape.js';
import { WorkerMetrics } from './worker-metrics.js';

/** Provides the registry, and serves it. Production without METRICS_TOKEN has no such route (OWASP ASVS 5.0 13.4.5). */
@Module({})
export class MetricsModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: MetricsModule,
      global: true,
      controllers: config.metricsEnabled ? [MetricsController] : [],
      providers: [Metrics, WorkerMetrics, ...(config.metricsEnabled ? [MetricsScrape] : [])],
      exports: [Metrics],
    };
  }
}
