import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { login, PASSWORD, register, someEmail } from '../../support/app/users.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';

describe('a client that disconnects or is slow', { timeout: 60_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  beforeEach(async () => {
    database = await throwawayDatabase();
    server = await startServer({ DATABASE_URL: database.url, BCRYPT_COST: '10' });
  });
  afterEach(async () => {
    await server.stop('SIGKILL');
    await database.drop();
  });

  const PATIENCE = { timeout: 15_000, interval: 20 };
  const lines = () => [...server.output().matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
  const requests = () => lines().filter(({ msg }) => msg === 'request');

  /** Sends bytes, and disconnects after `ms`. */
  async function hangUpAfter(ms: number, bytes: string): Promise<void> {
    const { hostname, port } = new URL(server.http.url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    await new Promise((resolve) => setTimeout(resolve, ms));
    socket.destroy();
  }

  const post = (path: string, body: string, length: number = body.length) =>
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;

  it('is logged and counted as aborted when it disconnects before its response', async () => {
    const { email } = await register(server.http);
    await expect.poll(() => requests().length, PATIENCE).toBe(1);
    const before = 1;
    const wrong = JSON.stringify({ email, password: 'not the right password' });
    await Promise.all(Array.from({ length: 5 }, () => hangUpAfter(20, post('/auth/login', wrong))));
    await expect.poll(() => requests().length, PATIENCE).toBe(before + 5);
    for (const line of requests().slice(before)) {
      expect(line).toMatchObject({ method: 'POST', route: '/auth/login', aborted: true, ip: '127.0.0.1' });
    }
    const { body } = await server.http.get<string>('/metrics');
    expect(body).toMatch(
      /http_request_duration_seconds_count\{method="POST",route="\/auth\/login",status="aborted"\} 5/,
    );
    await login(server.http, email);
    expect(requests().at(-1)).not.toHaveProperty('aborted');
  });

  it('causes no error in the log and no change when it disconnects during its body', async () => {
    const email = someEmail();
    const body = JSON.stringify({ email, password: PASSWORD });
    for (const path of ['/auth/register', '/auth/login', '/oauth/token']) {
      await hangUpAfter(20, post(path, body, body.length + 50));
    }
    await expect.poll(() => requests().filter(({ aborted }) => aborted).length, PATIENCE).toBe(3);
    expect(lines().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect((await server.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(401);
  });

  it('gets 408 within half a minute when it trickles its body (denial of service)', async () => {
    const { hostname, port } = new URL(server.http.url);
    const begun = performance.now();
    const socket = connect(Number(port), hostname, () => socket.write(post('/auth/login', '{', 100)));
    let response = '';
    socket.on('data', (chunk) => (response += String(chunk)));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(response).toMatch(/^HTTP\/1\.1 408 [^]*\r\nretry-after: 1\r\n/);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});
