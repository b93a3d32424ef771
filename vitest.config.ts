import { defineConfig } from 'vitest/config';

const resultFile = process.env['TEST_RESULTS'];

const shared = (database: 'sqlite' | 'postgres') => ({
  isolate: false,
  env: { TEST_DATABASE: database },
  ...(database === 'postgres' && { globalSetup: ['test/support/postgres-server.ts'] }),
});

/**
 * A folder of tests is a lane. `npm test` runs `unit`, `client`, `api` on both databases and a browser smoke test;
 * `npm run test:all` adds the others. Unit tests stand beside their source.
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
      { extends: true, test: { name: 'sqlite', include: ['test/api/**/*.spec.ts'], ...shared('sqlite') } },
      { extends: true, test: { name: 'postgres', include: ['test/api/**/*.spec.ts'], ...shared('postgres') } },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.spec.ts'],
          ...shared('sqlite'),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'resilience-sqlite',
          include: ['test/resilience/**/*.spec.ts'],
          ...shared('sqlite'),
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'resilience-postgres',
          include: ['test/resilience/**/*.spec.ts'],
          ...shared('postgres'),
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: { name: 'docs', include: ['test/docs/**/*.spec.ts'], ...shared('sqlite'), sequence: { groupOrder: 4 } },
      },
    ],
  },
});
