import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const resultFile = process.env['TEST_RESULTS'];
const SMOKE = 'test/browser/smoke.spec.ts';

type Database = 'sqlite' | 'postgres';

/** Suites that run against the application. A folder named after a database holds what runs on that one alone. */
function suites(name: string, lane: string, database: Database, more: object = {}): TestProjectConfiguration {
  const other = database === 'sqlite' ? 'postgres' : 'sqlite';
  return {
    extends: true,
    test: {
      name,
      include: [`test/${lane}/**/*.spec.ts`],
      exclude: [`test/${lane}/${other}/**`, SMOKE],
      isolate: false,
      env: { TEST_DATABASE: database },
      ...(database === 'postgres' && { globalSetup: ['test/support/database/postgres-server.ts'] }),
      ...more,
    },
  };
}

/**
 * A folder of tests is a lane. `npm test` runs `unit`, `client`, `sqlite`, `postgres` and `smoke`; `npm run test:all` adds
 * the others. Unit tests stand beside their source.
 */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A poll waits for what has to happen, however busy the machine is: the time-out of the test bounds it.
    expect: { poll: { timeout: 25_000 } },
    maxWorkers: 2,
    reporters: resultFile ? ['default', ['json', { outputFile: resultFile }]] : ['default'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.spec.ts'], isolate: false } },
      { extends: true, test: { name: 'client', include: ['client/src/**/*.spec.ts'], isolate: false } },
      suites('sqlite', 'api', 'sqlite'),
      suites('postgres', 'api', 'postgres'),
      suites('smoke', 'browser', 'sqlite', { include: [SMOKE], exclude: [] }),
      suites('browser', 'browser', 'sqlite'),
      suites('programs-sqlite', 'programs', 'sqlite'),
      suites('programs-postgres', 'programs', 'postgres'),
      suites('resilience-sqlite', 'resilience', 'sqlite'),
      suites('resilience-postgres', 'resilience', 'postgres'),
      suites('docs', 'docs', 'sqlite'),
    ],
  },
});
