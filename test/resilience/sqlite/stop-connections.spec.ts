import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { OpenSockets, textOf, toRequest } from '../../support/http/open-sockets.js';
import { PASSWORD, register } from '../../support/app/users.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { sql } from '../../support/database/sql.js';

const ORIGIN = 'https://app.example.com';
const SHUTTING_DOWN = /^HTTP\/1\.1 503 [^]*\r\nconnection: close\r\n[^]*"code":"shutting_down"[^]*}$/i;

/** Connections with a request in progress at the signal. */
describe('a graceful shutdown', { timeout: 60_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  const sockets = new OpenSockets();
  beforeEach(async () => {
    database = await throwawayDatabase();
    // A sign-in takes long enough to send the signal during it.
    await start({ BCRYPT_COST: '13' });
  });
  afterEach(async () => {
    sockets.destroy();
    await server.stop('SIGKILL');
    await database.drop();
  });

  async function start(env: Record<string, string>): Promise<void> {
    const all = { DATABASE_URL: database.url, SHUTDOWN_DEADLINE: '20s', CORS_ORIGINS: ORIGIN, ...env };
    server = await startServer(all);
  }
  const signIn = toRequest('POST', '/auth/login', { email: 'nobody@example.com', password: PASSWORD });
  const open = (text: string) => sockets.open(server.http.url, text);
  /** After responses to later requests, the server has read the earlier bytes. */
  const untilRead = async () => {
    for (let i = 0; i < 3; i++) await server.http.get('/health/live');
  };
  const untilStopping = () => vi.waitFor(() => expect(server.output()).toContain('stopping'), { timeout: 5000 });
  const signedOut = async () =>
    (await sql(database.url, 'SELECT revoked_at FROM sessions')).map((r) => r['revoked_at']);

  it('responds with 503 to requests whose body is incomplete, and exits with 0', async () => {
    const { tokens } = await register(server.http);
    const body = { refresh_token: tokens.refresh_token };
    const logout = toRequest('POST', '/auth/logout', body);
    const chunked = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n';
    const unfinished = await Promise.all([
      open(toRequest('POST', '/auth/logout', body, '', 4000)),
      open(logout.slice(0, -10)),
      open(toRequest('POST', '/auth/logout', body, 'Expect: 100-continue\r\n', 4000)),
      open(`${toRequest('POST', '/auth/logout', undefined, chunked)}5\r\n{"ref`),
    ]);
    const trickling = await open(logout.slice(0, -400));
    await untilRead();
    const responses = [...unfinished, trickling].map(textOf);
    const trickle = setInterval(() => trickling.write(' '), 100);
    expect(await server.stop()).toBe(0);
    clearInterval(trickle);
    for (const response of await Promise.all(responses)) {
      expect(response.replace('HTTP/1.1 100 Continue\r\n\r\n', '')).toMatch(SHUTTING_DOWN);
      expect(response).toMatch(/\r\nretry-after: 1\r\n/i);
      expect(response).toMatch(/\r\nx-content-type-options: nosniff\r\n/i);
    }
    expect(await signedOut()).toEqual([null]);
  });

  it('serves requests that arrived before SIGTERM, on new and on idle connections', async () => {
    const health = toRequest('GET', '/health/live');
    const idle = await Promise.all(Array.from({ length: 8 }, () => open(health)));
    await Promise.all(idle.map((socket) => new Promise((responded) => socket.once('data', responded))));
    // A paused server has read and accepted nothing before the signal.
    server.process.kill('SIGSTOP');
    const fresh = await Promise.all(Array.from({ length: 32 }, () => open(health)));
    for (const socket of idle) socket.write(health);
    const responses = [...idle, ...fresh].map(textOf);
    const stopped = server.stop();
    server.process.kill('SIGCONT');
    const served = /^HTTP\/1\.1 200 [^]*"status":"ok"}$/;
    const unserved = (await Promise.all(responses)).filter((text) => !served.test(text) && !SHUTTING_DOWN.test(text));
    expect(unserved).toEqual([]);
    expect(await stopped).toBe(0);
  });

  it('serves a request whose body arrives within a moment', async () => {
    const { tokens } = await register(server.http);
    const refresh = toRequest('POST', '/auth/refresh', { refresh_token: tokens.refresh_token });
    const socket = await open(refresh.slice(0, -100));
    await untilRead();
    const response = textOf(socket);
    const stopped = server.stop();
    await untilStopping();
    socket.write(refresh.slice(-100));
    expect(await response).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n[^]*"access_token"/i);
    expect(await stopped).toBe(0);
  });

  it('serves all pipelined requests, with Connection: close on the last response', async () => {
    const { tokens } = await register(server.http);
    const token = `Authorization: Bearer ${tokens.access_token}\r\n`;
    const rest = [
      toRequest('GET', '/auth/whoami', undefined, token),
      toRequest('POST', '/auth/logout', { refresh_token: tokens.refresh_token }),
      signIn,
    ];
    const socket = await open([signIn, ...rest].join(''));
    await untilRead();
    const response = textOf(socket);
    expect(await server.stop()).toBe(0);
    const text = await response;
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([401, 200, 204, 401].map((status) => `HTTP/1.1 ${status}`));
    const connections = [...text.matchAll(/\r\nconnection: (\S+)/gi)].map(([, value]) => value);
    expect(connections).toEqual(['keep-alive', 'keep-alive', 'keep-alive', 'close']);
    expect(await signedOut()).not.toContain(null);
  });

  it('serves the other clients after some have disconnected with pipelined requests', async () => {
    // Five sign-ins wait for each other. With longer ones a busy machine would refuse the last (503 hashing_busy).
    await server.stop('SIGKILL');
    await start({ BCRYPT_COST: '10' });
    const whoami = toRequest('GET', '/auth/whoami');
    const gone = await Promise.all([open(signIn + whoami + whoami), open(signIn + signIn), open(signIn.slice(0, -5))]);
    await untilRead();
    for (const socket of gone) socket.destroy();
    // An unused connection: it is closed only when no request is in progress.
    await open('');
    await untilRead();
    const responses = (await Promise.all([open(signIn), open(signIn)])).map(textOf);
    await untilRead();
    expect(await server.stop()).toBe(0);
    for (const response of await Promise.all(responses))
      expect(response).toMatch(/^HTTP\/1\.1 401 [^]*invalid_credentials/);
  });

  it('sends CORS headers with its 503, so that a page can read it', async () => {
    const busy = await open(signIn);
    const origin = `Origin: ${ORIGIN}\r\n`;
    const request = toRequest('POST', '/auth/refresh', { refresh_token: 'x' }, origin);
    const sockets: Socket[] = await Promise.all([open(request.slice(0, 30)), open(request.slice(0, -5))]);
    await untilRead();
    const responses = sockets.map(textOf);
    const stopped = server.stop();
    await untilStopping();
    sockets[0]!.write(request.slice(30));
    for (const response of await Promise.all(responses)) {
      expect(response).toMatch(SHUTTING_DOWN);
      expect(response).toContain(`\r\naccess-control-allow-origin: ${ORIGIN}\r\n`);
      expect(response).toMatch(/\r\naccess-control-expose-headers: .*Retry-After/i);
      expect(response).toMatch(/\r\nretry-after: 1\r\n/i);
    }
    busy.destroy();
    expect(await stopped).toBe(0);
  });
});
