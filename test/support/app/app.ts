import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { AppModule } from '../../../src/app.module.js';
import { appOptions, createAdapter, setupApp } from '../../../src/app.setup.js';
import { Clock } from '../../../src/clock/clock.js';
import { createDocument } from '../../../src/openapi/document.js';
import { loadConfig } from '../../../src/config/load-config.js';
import { createDataSource } from '../../../src/data-source.js';
import { migrate } from '../../../src/database/migrate.js';
import { HashingQueue } from '../../../src/passwords/hashing-queue.js';
import { PasswordStrength } from '../../../src/passwords/password-strength.js';
import { SessionWriteBuffer } from '../../../src/sessions/session-write-buffer.js';
import { MovableClock } from './clock.js';
import { throwawayDatabase } from '../database/database.js';
import { DocumentedApi } from '../http/documented.js';
import { Http } from '../http/http.js';
import { strengthOnSharedThread } from './password-strength.js';

export interface TestApp {
  app: NestFastifyApplication;
  http: Http;
  clock: MovableClock;
  dataSource: DataSource;
  databaseUrl: string;
  /** Writes the buffered acknowledgements now instead of within a second. */
  flush: () => Promise<void>;
  close: () => Promise<void>;
}

interface TestAppOptions {
  /** Environment variables that override those of the tests. */
  env?: Record<string, string>;
  /** More modules, as a team that builds on Latchkey adds them. */
  imports?: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>;
  /** An existing database, which is not dropped. */
  databaseUrl?: string;
  /** The clock of an earlier application, for one that continues it. */
  clock?: MovableClock;
  /** For tests that need the address before the application runs. */
  port?: number;
}

/** It looks random, so that production accepts it. */
export const TEST_SECRET = 'of-the-tests-only-4fQ9vX2mZr7LbT0kHs6YwD1nJc8Pe3Ga';

/**
 * The complete application with its own database, its own port, and a clock that tests can move. Passport's strategies
 * are global in a process: a test file runs one application at a time.
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
    RATE_LIMITS: 'off',
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
    .overrideProvider(PasswordStrength)
    .useFactory({ factory: strengthOnSharedThread, inject: [HashingQueue] })
    .compile();
  const app = module.createNestApplication<NestFastifyApplication>(createAdapter(config), appOptions);
  await setupApp(app, config);
  await app.listen({ port: options.port ?? 0, host: '127.0.0.1' });
  const { port } = app.getHttpServer().address() as { port: number };

  return {
    app,
    http: new Http(`http://127.0.0.1:${port}`, new DocumentedApi(createDocument(app, config))),
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
