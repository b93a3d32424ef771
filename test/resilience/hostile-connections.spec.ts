import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register } from '../support/app/users.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { OpenSockets, textOf, toRequest } from '../support/http/open-sockets.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';

const MB = 1024 * 1024;

describe('cost of hostile connections', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  const sockets = new OpenSockets();
  beforeAll(async () => {
    database = await throwawayDatabase();
    server = await startServer({ DATABASE_URL: database.url });
  });
  afterAll(async () => {
    sockets.destroy();
    await server.stop('SIGKILL');
    await database.drop();
  });

  /** The most memory that the server has ever held, in bytes. */
  function peakMemory(): number {
    const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  const openFiles = () => readdirSync(`/proc/${server.process.pid}/fd`).length;

  it('takes less than 50 MB for 60,000 pipelined requests that share a database query', async () => {
    const { tokens } = await register(server.http);
    const before = peakMemory();
    await textOf(await sockets.open(server.http.url, toRequest('GET', '/health/ready').repeat(60_000)));
    expect(peakMemory() - before).toBeLessThan(50 * MB);
    expect((await server.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
  });

  it('closes a connection whose client does not read, and keeps little for 200 of them', async () => {
    const before = peakMemory();
    const document = toRequest('GET', '/openapi.json');
    const silent = await Promise.all(Array.from({ length: 200 }, () => sockets.open(server.http.url)));
    for (const socket of silent) socket.pause();
    // More than the system buffers.
    for (let round = 0; round < 10; round++) {
      for (const socket of silent) socket.write(document.repeat(15));
      await sleep(200);
    }
    // While it writes the documents it may be late with its own heartbeat, and is not ready for a moment.
    await expect.poll(async () => (await server.http.get('/health/ready')).status).toBe(200);
    expect(peakMemory() - before).toBeLessThan(400 * MB);
    await expect.poll(openFiles, { timeout: 60_000, interval: 1000 }).toBeLessThan(100);
  });
});
