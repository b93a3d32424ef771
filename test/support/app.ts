import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { AppModule } from '../../src/app.module.js';
import { appOptions, createAdapter, setupApp } from '../../src/app.setup.js';
import { Clock } from '../../src/clock/clock.js';
import { createDocument } from '../../src/openapi/document.js';
import { loadConfig } from '../../src/config/load-config.js';
import { createDataSource } from '../../src/data-source.js';
import { migrate } from '../../src/database/migrate.js';
import { SessionWriteBuffer } from '../../src/sessions/session-write-buffer.js';
import { MovableClock } from './clock.js';
import { throwawayDatabase } from './database.js';
import { DocumentedApi } from './documented.js';
import { Http } from './http.js';

export interface TestApp {
  app: NestFastifyApplication;
  http: Http;
  clock: MovableClock;
  dataSource: DataSource;
  databaseUrl: string;
  /** Writes now what would be written within a second: acknowledgements. */
  flush: () => Promise<void>;
  close: () => Promise<void>;
}

export interface TestAppOptions {
  /** Environment variables over the tests' own. */
  env?: Record<string, string>;
  /** More modules, as a team that builds on Latchkey would add. */
  imports?: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>;
  /** A database that is there already and stays there. */
  databaseUrl?: string;
  /** The clock of an application that ran before, for one that goes on where it stopped. */
  clock?: MovableClock;
  /** For those that have to know its address before it runs. */
  port?: number;
}

export const TEST_SECRET = 'a secret of the tests and of nothing else';

/**
 * The application as it runs, on a database of its own, listening on a port of its own, with a clock that can be moved.
 * Passport keeps its strategies in one place for a whole process: have one application at a time in a test file.
 */
export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.databaseUrl ? undefined : await throwawayDatabase();
  const databaseUrl = options.databaseUrl ?? database!.url;
  const config = loadConfig({
    APP_SECRET: TEST_SECRET,
    BCRYPT_COST: '4',
    LOG_LEVEL: 'silent',
    DATABASE_URL: databaseUrl,
    PORT: '0',
    ...options.env,
  });
  const dataSource = createDataSource(config);
  await migrate(dataSource.options);

  const clock = options.clock ?? new MovableClock();
  const module = await Test.createTestingModule({
    imports: [AppModule.forRoot(config, dataSource), ...(options.imports ?? [])],
  })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const app = module.createNestApplication<NestFastifyApplication>(createAdapter(config), appOptions);
  await setupApp(app, config);
  await app.listen({ port: options.port ?? 0, host: '127.0.0.1' });
  const { port } = app.getHttpServer().address() as { port: number };

  return {
    app,
    http: new Http(`http://127.0.0.1:${port}`, new DocumentedApi(createDocument(app))),
    clock,
    dataSource,
    databaseUrl,
    flush: () => app.get(SessionWriteBuffer).flush(),
    close: async () => {
      await app.close();
      await database?.drop();
    },
  };
}
