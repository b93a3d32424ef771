import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AppModule } from './app.module.js';
import { appOptions, createAdapter, setupApp } from './app.setup.js';
import { explainAndExit } from './boot/explain-and-exit.js';
import { gracefulShutdown } from './boot/graceful-shutdown.js';
import { logStartup } from './boot/log-startup.js';
import { openDatabase, refuseSecondServer } from './boot/open-database.js';
import type { Config } from './config/config.js';
import { createDataSource } from './data-source.js';
import { MetricsScrape } from './metrics/metrics-scrape.js';
import { PrimaryLink } from './workers/primary-link.js';

/** The process that serves: the only one, or one of several workers. */
export async function serve(config: Config): Promise<void> {
  const primary = PrimaryLink.ofThisProcess();
  const dataSource = createDataSource(config);
  try {
    await refuseSecondServer(config);
    await openDatabase(config, dataSource);
    const root = AppModule.forRoot(config, dataSource);
    const adapter = createAdapter(config, primary?.worker);
    const app = await NestFactory.create<NestFastifyApplication>(root, adapter, appOptions);
    await setupApp(app, config);
    const shutdown = gracefulShutdown(app, config.shutdownDeadlineMs, async () => primary?.sendTotals());
    primary?.obey({
      onHandOver: () => shutdown.handOver('handing over to another worker'),
      onOrphaned: () => shutdown.stop('the primary process is gone'),
    });
    if (config.metricsEnabled) primary?.shareMetrics(app.get(MetricsScrape));
    await app.listen({ port: config.port, host: config.host });
    const { log, server } = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    const { port } = server.address() as { port: number };
    if (primary) primary.announce(port);
    else logStartup(log, config, port);
  } catch (error) {
    explainAndExit(error);
  }
}
