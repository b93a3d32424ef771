import { defineConfig } from 'vitest/config';

const resultFile = process.env['TEST_RESULTS'];

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
        test: { name: 'sqlite', isolate: false, include: ['test/e2e/**/*.spec.ts'], env: { TEST_DATABASE: 'sqlite' } },
      },
      {
        extends: true,
        test: {
          name: 'postgres',
          isolate: false,
          include: ['test/e2e/**/*.spec.ts'],
          env: { TEST_DATABASE: 'postgres' },
          globalSetup: ['test/support/postgres-server.ts'],
        },
      },
    ],
  },
});
