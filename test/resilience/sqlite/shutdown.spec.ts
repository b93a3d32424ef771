import { Agent, get } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { Http } from '../../support/http/http.js';
import { OpenSockets, textOf, toRequest } from '../../support/http/open-sockets.js';
import { PASSWORD, register, someEmail } from '../../support/app/users.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { sql } from '../../support/database/sql.js';

describe('a graceful shutdown', { timeout: 60_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  const sockets = new OpenSockets();
  beforeEach(async () => {
    database = await throwawayDatabase();
  });
  afterEach(async () => {
    sockets.destroy();
    await server.stop('SIGKILL');
    await database.drop();
  });

  async function start(env: Record<string, string> = {}): Promise<Http> {
    server = await startServer({ DATABASE_URL: database.url, SHUTDOWN_DEADLINE: '10s', ...env });
    return server.http;
  }

  const connection = (text: string) => sockets.open(server.http.url, text);

  /** Resolves when the server has started to process the slow request. */
  async function begin<T>(response: Promise<T>): Promise<{ response: Promise<T> }> {
    for (let i = 0; i < 3; i++) await server.http.get('/health/live');
    return { response };
  }

  const untilStopping = () => vi.waitFor(() => expect(server.output()).toContain('stopping'), { timeout: 5000 });
  const unknownSignIn = { json: { email: 'nobody@example.com', password: PASSWORD } };

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 on %s, and logs it', async (signal) => {
    await start();
    expect(await server.stop(signal)).toBe(0);
    expect(server.output()).toMatch(new RegExp(`${signal}: stopping.*\\n.*Stopped`));
  });

  it('does not wait for idle keep-alive connections', async () => {
    const http = await start();
    const agent = new Agent({ keepAlive: true });
    await new Promise((received) =>
      get(`${http.url}/health/live`, { agent }, (res) => res.resume().on('end', received)),
    );
    const socket = await connection(toRequest('GET', '/health/live'));
    await new Promise((received) => socket.once('data', received));
    expect(await server.stop()).toBe(0);
    agent.destroy();
  });

  it('does not wait for an unused connection (browser preconnect)', async () => {
    const http = await start({ SHUTDOWN_DEADLINE: '3s' });
    await connection('');
    await http.get('/health/live');
    expect(await server.stop()).toBe(0);
  });

  it('does not wait for a request whose headers never arrive completely', async () => {
    const http = await start({ SHUTDOWN_DEADLINE: '3s' });
    await connection('POST /auth/login HTTP/1.1\r\nHost: localhost\r\nX-Slow');
    await http.get('/health/live');
    expect(await server.stop()).toBe(0);
  });

  it('completes a sign-in during its hashing, with Connection: close', async () => {
    const http = await start({ BCRYPT_COST: '13' });
    const { email, password } = await register(http);
    const { response } = await begin(http.post('/auth/login', { json: { email, password } }));
    expect(await server.stop()).toBe(0);
    const { status, headers, body } = await response;
    expect([status, headers.get('connection'), body.token_type]).toEqual([200, 'close', 'Bearer']);
    const rows = await sql(database.url, `SELECT revoked_at FROM sessions WHERE id = '${body.session_id}'`);
    expect(rows).toEqual([{ revoked_at: null }]);
  });

  it('responds to all 90 requests that wait for hashing', async () => {
    const http = await start({ BCRYPT_COST: '8' });
    const { email, password } = await register(http);
    const clients = await Promise.all(Array.from({ length: 90 }, () => connection(toRequest('GET', '/health/live'))));
    await Promise.all(clients.map((socket) => new Promise((received) => socket.once('data', received))));
    const responses = Promise.all(clients.map((socket) => textOf(socket)));
    for (const [place, socket] of clients.entries()) {
      const isNew = place % 4 === 0;
      const [path, who] = isNew ? ['/auth/register', someEmail()] : ['/auth/login', email];
      socket.write(toRequest('POST', path, { email: who, password }));
    }
    await begin(responses);
    expect(await server.stop()).toBe(0);
    const statuses = (await responses).map((text) => /^HTTP\/1\.1 (\d{3})[^]*\}$/.exec(text)?.[1]);
    expect(statuses.filter((status) => !['200', '201', '503'].includes(status ?? ''))).toEqual([]);
    expect(statuses).toContain('200');
  });

  it('accepts no new request on new, idle or busy connections', async () => {
    const http = await start({ BCRYPT_COST: '13' });
    const { tokens } = await register(http);
    const idle = await connection(toRequest('GET', '/health/live'));
    await new Promise((received) => idle.once('data', received));
    const closed = new Promise((resolve) => idle.on('close', resolve).resume());
    const busy = await connection('');
    const response = textOf(busy);
    busy.write(toRequest('POST', '/auth/login', unknownSignIn.json));
    await begin(response);
    const stopped = server.stop();
    await untilStopping();
    busy.write(toRequest('POST', '/auth/logout', { refresh_token: tokens.refresh_token }));
    await closed;
    const late = await Promise.all(
      ['/health/live', '/health/ready', '/.well-known/jwks.json'].map((path) =>
        http.get(path, { headers: { connection: 'close' } }).then(
          ({ status, headers, body }) => `${status} ${headers.get('connection')} ${body.code}`,
          () => 'no connection',
        ),
      ),
    );
    for (const outcome of late) expect(['503 close shutting_down', 'no connection']).toContain(outcome);
    expect(await response).toMatch(/^HTTP\/1\.1 401 [^]*\r\nconnection: close\r\n[^]*invalid_credentials/i);
    expect(await stopped).toBe(0);
    expect(await sql(database.url, 'SELECT revoked_at FROM sessions')).toEqual([{ revoked_at: null }]);
  });

  it('writes all buffered acknowledgements', async () => {
    const http = await start();
    const users = await Promise.all([1, 2, 3].map(() => register(http)));
    await Promise.all(users.map(({ tokens }) => http.get('/auth/whoami', { token: tokens.access_token })));
    expect(await server.stop()).toBe(0);
    const rows = await sql(database.url, 'SELECT acknowledged_generation FROM sessions');
    expect(rows.map((row) => row['acknowledged_generation'])).toEqual([1, 1, 1]);
  });

  it('ignores further signals, and exits with 0', async () => {
    const http = await start({ BCRYPT_COST: '13' });
    const { response } = await begin(http.post('/auth/login', unknownSignIn));
    const stopped = server.stop();
    await untilStopping();
    server.process.kill('SIGTERM');
    server.process.kill('SIGINT');
    expect((await response).status).toBe(401);
    expect(await stopped).toBe(0);
  });

  it('exits with 1 at SHUTDOWN_DEADLINE', async () => {
    const http = await start({ BCRYPT_COST: '14', SHUTDOWN_DEADLINE: '100ms' });
    const { response } = await begin(http.post('/auth/login', unknownSignIn).catch(() => 'cut off'));
    expect(await server.stop()).toBe(1);
    expect(server.output()).toContain('Not stopped after 100 ms');
    expect(await response).toBe('cut off');
  });
});
