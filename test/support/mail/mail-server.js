/**
 * The built server with kinds of mail of its own, as a feature defines them. It does what `src/server.ts` does; `npm test`
 * builds what it imports.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const built = (file) => import(new URL(`../../../dist/src/${file}`, import.meta.url).href);

const { AppModule } = await built('app.module.js');
const { appOptions, createAdapter, setupApp } = await built('app.setup.js');
const { openDatabase, refuseSecondServer } = await built('boot/open-database.js');
const { logStartup } = await built('boot/log-startup.js');
const { gracefulShutdown } = await built('boot/graceful-shutdown.js');
const { readConfigOrExit } = await built('config/process-config.js');
const { createDataSource } = await built('data-source.js');
const { Outbox } = await built('mail/outbox.js');

const config = readConfigOrExit({ createsSecret: false });
const dataSource = createDataSource(config);
await refuseSecondServer(config);
await openDatabase(config, dataSource);
const app = await NestFactory.create(AppModule.forRoot(config, dataSource), createAdapter(config), appOptions);
await setupApp(app, config);
app.get(Outbox, { strict: false }).define('notice', async ({ recipient, payload }) => ({
  template: 'account-deleted',
  to: recipient,
  locale: null,
  data: { name: payload.name },
}));
gracefulShutdown(app, config.shutdownDeadlineMs);
await app.listen({ port: config.port, host: config.host });
logStartup(app.getHttpAdapter().getInstance().log, config, app.getHttpServer().address().port);
