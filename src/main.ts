import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { appOptions, createAdapter, setupApp } from './app.setup.js';
import { openDatabase, refuseSecondServer } from './boot/open-database.js';
import { logStartup } from './boot/log-startup.js';
import { gracefulShutdown } from './boot/graceful-shutdown.js';
import { explainAndExit } from './boot/explain-and-exit.js';
import { readConfigOrExit } from './config/process-config.js';
import { createDataSource } from './data-source.js';

const config = readConfigOrExit({ createsSecret: true });
const dataSource = createDataSource(config);
try {
  await refuseSecondServer(config);
  await openDatabase(config, dataSource);
  const root = AppModule.forRoot(config, dataSource);
  const app = await NestFactory.create<NestFastifyApplication>(root, createAdapter(config), appOptions);
  await setupApp(app, config);
  gracefulShutdown(app, config.shutdownDeadlineMs);
  await app.listen({ port: config.port, host: config.host });
  logStartup(app, config);
} catch (error) {
  explainAndExit(error);
}
