import { defineConfig } from 'vitest/config';

const resultFile = process.env['TEST_RESULTS'];

/** A browser takes a whole processor, and storms that are to be survived take the rest: one after the other. */
const IN_A_BROWSER = 'test/e2e/{client-browser,cookie-in-a-browser,demo,stays-signed-in,swagger,your-spa}.spec.ts';

/** What a server does when a machine is busy cannot be told where others make it busier: last, and one at a time. */
const ALONE = 'test/e2e/stop-under-load.spec.ts';

/**
 * Suites in `test/e2e` run once on each database, one after another in the processes that they share: loading the
 * application anew takes longer than most of them. Unit tests stand beside their source.
 */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: resultFile ? ['default', ['json', { outputFile: resultFile }]] : ['default'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.spec.ts'] } },
      { extends: true, test: { name: 'client', include: ['client/src/**/*.spec.ts'] } },
      {
        extends: true,
        test: {
          name: 'sqlite',
          isolate: false,
          include: ['test/e2e/**/*.spec.ts'],
          exclude: [IN_A_BROWSER, ALONE],
          env: { TEST_DATABASE: 'sqlite' },
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          isolate: false,
          include: ['test/e2e/**/*.spec.ts'],
          exclude: [IN_A_BROWSER, ALONE],
          env: { TEST_DATABASE: 'postgres' },
          globalSetup: ['test/support/postgres-server.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          isolate: false,
          include: [IN_A_BROWSER],
          env: { TEST_DATABASE: 'sqlite' },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sqlite-alone',
          include: [ALONE],
          env: { TEST_DATABASE: 'sqlite' },
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'postgres-alone',
          include: [ALONE],
          env: { TEST_DATABASE: 'postgres' },
          globalSetup: ['test/support/postgres-server.ts'],
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
