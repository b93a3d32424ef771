import { Controller, Get, Module, NestFactory } from '../../support/nest.mjs';
import { AppModule } from '../../../dist/src/app.module.js';
import { appOptions, createAdapter, setupApp } from '../../../dist/src/app.setup.js';
import { openDatabase } from '../../../dist/src/boot/open-database.js';
import { logStartup } from '../../../dist/src/boot/log-startup.js';
import { gracefulShutdown } from '../../../dist/src/boot/graceful-shutdown.js';
import { Public } from '../../../dist/src/identity/decorators.js';
import { readConfigOrExit } from '../../../dist/src/config/process-config.js';
import { createDataSource } from '../../../dist/src/data-source.js';

/** The program with two routes that do the same; one of them is open. Of plain JavaScript: there is no build here. */
class TwoRoutes {
  open() {
    return { hello: 'world' };
  }
  guarded() {
    return { hello: 'world' };
  }
}
const of = (name) => [TwoRoutes.prototype, name, Object.getOwnPropertyDescriptor(TwoRoutes.prototype, name)];
Controller('two')(TwoRoutes);
Get('open')(...of('open'));
Public()(...of('open'));
Get('guarded')(...of('guarded'));

const config = readConfigOrExit({ createsSecret: false });
const dataSource = createDataSource(config);
class Root {}
Module({ imports: [AppModule.forRoot(config, dataSource)], controllers: [TwoRoutes] })(Root);

await openDatabase(config, dataSource);
const app = await NestFactory.create(Root, createAdapter(config), appOptions);
await setupApp(app, config);
gracefulShutdown(app, config.shutdownDeadlineMs);
await app.listen({ port: config.port, host: config.host });
logStartup(app.getHttpAdapter().getInstance().log, config, app.getHttpServer().address().port);
