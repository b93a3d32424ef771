import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scrapeMetrics } from '../../support/app/scrape-metrics.js';
import { login, PASSWORD, register } from '../../support/app/users.js';
import { sql } from '../../support/database/sql.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { Connection } from '../../support/http/connection.js';
import { childrenOf, isRunning } from '../../support/programs/child-processes.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { expectInvariants, revokedSessions } from '../../support/storm/invariants.js';
import { signingIn, STORMY, using } from '../../support/storm/outage-storm.js';
import {
  expectAllSignedIn,
  expectNobodyRefused,
  isFineAfterStop,
  pause,
  refreshing,
  Storm,
  type Turn,
} from '../../support/storm/storm.js';

const CLIENTS = 64;
const LIVE = 'http_request_duration_seconds_count{method="GET",route="/health/live",status="200"}';

/** With a pause: on a small machine the clients would keep new workers from starting. */
const refreshingAndUsing: Turn = async (client) => {
  await refreshing(client);
  await client.use();
  await pause(50);
};

describe('two workers of one server', { timeout: 180_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  let storm: Storm;
  const connections: Connection[] = [];
  beforeEach(async () => {
    database = await throwawayDatabase();
    storm = new Storm(() => server.http.url);
  });
  afterEach(async () => {
    storm.hangUp();
    for (const connection of connections.splice(0)) connection.close();
    for (const pid of pids()) process.kill(pid, 'SIGKILL');
    await server.stop('SIGKILL');
    await database.drop();
  });

  const start = async (env: Record<string, string> = {}) => {
    server = await startServer({
      ...STORMY,
      DATABASE_URL: database.url,
      WORKERS: '2',
      SHUTDOWN_DEADLINE: '20s',
      ...env,
    });
  };
  const pids = () => childrenOf(server.process.pid!);
  const lines = () => [...server.output().matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
  const listening = () => lines().filter(({ msg }) => msg.startsWith('Server listening')).length;
  /** Over a new connection: a worker that is paused accepts none. */
  const scrape = async () => (await scrapeMetrics(server.http, { headers: { connection: 'close' } })).series;
  const states = async () => {
    const series = await scrape();
    return ['responding', 'silent', 'missing'].map((state) => series[`latchkey_workers{state="${state}"}`]);
  };

  async function expectNobodySignedOut(): Promise<void> {
    await expectAllSignedIn(storm);
    expect(await revokedSessions(database.url)).toEqual([]);
    await expectInvariants(database.url);
  }

  /** Keep-alive connections to both workers, by their numbers: the log says which worker has served a request. */
  async function connectToBoth(): Promise<[Connection, Connection]> {
    const byWorker = new Map<number, Connection>();
    while (byWorker.size < 2) {
      const connection = new Connection();
      connections.push(connection);
      const response = await connection.ask(server.http.url, 'GET', '/health/live');
      const id = 'headers' in response ? response.headers.get('x-request-id') : null;
      const line = () => lines().find(({ reqId }) => reqId === id);
      await expect.poll(line).toBeDefined();
      byWorker.set(line().worker, connection);
    }
    return [byWorker.get(1)!, byWorker.get(2)!];
  }

  it('sign nobody out while 64 clients refresh and workers are killed, and come back', async () => {
    await start();
    await storm.join(server.http, CLIENTS);
    storm.begin(() => refreshingAndUsing);
    for (let round = 0; round < 2; round++) {
      await pause(500);
      const before = listening();
      process.kill(pids()[0]!, 'SIGKILL');
      await expect.poll(listening, { timeout: 60_000 }).toBe(before + 1);
    }
    await storm.end();
    expectNobodyRefused(storm, ['refresh_busy'], true);
    expect(storm.outcomes.some(({ status, sentAt }) => status === 0 && sentAt !== undefined)).toBe(true);
    expect(Math.min(...storm.clients.map(({ used }) => used))).toBeGreaterThan(2);
    expect(await states()).toEqual([2, 0, 0]);
    expect(lines().filter(({ msg, signal }) => msg.startsWith('A worker died') && signal === 'SIGKILL')).toHaveLength(
      2,
    );
    await expectNobodySignedOut();
  });

  it('are replaced on SIGHUP under load without a failed request', async () => {
    await start();
    await storm.join(server.http, CLIENTS);
    const before = pids();
    storm.begin(() => refreshingAndUsing);
    server.process.kill('SIGHUP');
    await expect.poll(server.output, { timeout: 60_000 }).toContain('all workers are replaced');
    await storm.end();
    expectNobodyRefused(storm, []);
    expect(listening()).toBe(4);
    const after = pids();
    expect(after).toHaveLength(2);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    await expectNobodySignedOut();
  });

  it('read .env again on SIGHUP; the old ones serve on where it is wrong', async () => {
    await start();
    const { email } = await register(server.http);
    const lifetime = async () => (await login(server.http, email)).expires_in;
    const before = pids();
    writeFileSync(join(server.folder, '.env'), 'ACCESS_TOKEN_TTL=soon\n');
    server.process.kill('SIGHUP');
    await expect.poll(server.output).toContain('because a new worker 1 could not start');
    expect(server.output()).toContain('ACCESS_TOKEN_TTL must be a duration');
    expect(pids()).toEqual(before);
    expect(await lifetime()).toBe(900);

    writeFileSync(join(server.folder, '.env'), 'ACCESS_TOKEN_TTL=5m\nWORKERS=7\n');
    server.process.kill('SIGHUP');
    await expect.poll(server.output).toContain('all workers are replaced');
    expect(await lifetime()).toBe(300);
    expect(pids()).toHaveLength(2);
  });

  it('cut off no response on SIGTERM under load, and exit with 0', async () => {
    await start();
    await storm.join(server.http, 32);
    const idle = await storm.joinIdle(server.http, 8);
    const turns = [refreshing, refreshing, signingIn, using];
    storm.begin((place) => turns[place % turns.length]!);
    await pause(700);
    const workers = pids();
    const signalledAt = performance.now();
    expect(await server.stop('SIGTERM')).toBe(0);
    await storm.end();
    expect(storm.outcomes.filter((outcome) => !isFineAfterStop(outcome, signalledAt)).slice(0, 5)).toEqual([]);
    expect(workers.filter(isRunning)).toEqual([]);
    const rows = await sql(database.url, 'SELECT id, acknowledged_generation FROM sessions');
    const acknowledged = new Map(rows.map((row) => [row['id'], row['acknowledged_generation'] as number]));
    const clients = [...storm.clients, ...idle];
    expect(clients.filter(({ stored, used }) => acknowledged.get(stored.session_id)! < used)).toEqual([]);
  });

  it('stop on SIGTERM during a rolling restart, with exit code 0', async () => {
    await start();
    server.process.kill('SIGHUP');
    await expect.poll(() => pids().length).toBe(3);
    const workers = pids();
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(workers.filter(isRunning)).toEqual([]);
    expect(lines().filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('stop once on Ctrl-C, which reaches all processes, with exit code 0', async () => {
    await start();
    for (const pid of pids()) process.kill(pid, 'SIGINT');
    expect(await server.stop('SIGINT')).toBe(0);
    expect(lines().filter(({ msg }) => msg === 'SIGINT: stopping')).toHaveLength(3);
    expect(lines().filter(({ msg }) => msg === 'Stopped')).toHaveLength(3);
  });

  it('exit with 1 at SHUTDOWN_DEADLINE, where one of them hangs', async () => {
    await start({ SHUTDOWN_DEADLINE: '1s' });
    const workers = pids();
    process.kill(workers[0]!, 'SIGSTOP');
    expect(await server.stop('SIGTERM')).toBe(1);
    await expect.poll(() => workers.filter(isRunning)).toEqual([]);
  });

  it('complete their requests and leave the port when the primary is killed', async () => {
    await start({ BCRYPT_COST: '13' });
    const { email } = await register(server.http);
    const workers = pids();
    const inFlight = (await connectToBoth()).map((connection) =>
      connection.ask(server.http.url, 'POST', '/auth/login', { json: { email, password: PASSWORD } }),
    );
    await expect.poll(async () => (await scrape())['latchkey_hash_queue_running']).toBe(2);
    await server.stop('SIGKILL');
    expect((await Promise.all(inFlight)).map(({ status }) => status)).toEqual([200, 200]);
    await expect.poll(() => workers.filter(isRunning)).toEqual([]);
    const port = Number(new URL(server.http.url).port);
    await new Promise<void>((listens, fails) => {
      const other = createServer().once('error', fails);
      other.listen(port, '127.0.0.1', () => other.close(() => listens()));
    });
  });

  it('serve on when the reader of their log goes away, and exit with 0', async () => {
    await start();
    server.process.stdout!.destroy();
    for (let i = 0; i < 20; i++) expect((await server.http.get('/health/live')).status).toBe(200);
    process.kill(pids()[0]!, 'SIGKILL');
    await expect.poll(states).toEqual([2, 0, 0]);
    expect((await scrape())['latchkey_log_lines_dropped_total']).toBeGreaterThan(0);
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  it('count every request once in the metrics, also when they are killed or replaced', async () => {
    await start();
    const [one, two] = await connectToBoth();
    const counted = async () => (await scrape())[LIVE];
    const sent = connections.length;
    for (let i = 0; i < 50; i++) for (const each of [one, two]) await each.ask(server.http.url, 'GET', '/health/live');
    await expect.poll(counted).toBe(sent + 100);
    const series = await scrape();
    const resident = (worker: number) => series[`process_resident_memory_bytes{worker="${worker}"}`];
    expect([resident(1), resident(2)].filter((bytes) => bytes! > 10_000_000)).toHaveLength(2);

    process.kill(pids()[1]!, 'SIGKILL');
    await expect.poll(states).toEqual([2, 0, 0]);
    expect(await counted()).toBe(sent + 100);
    expect((await scrape())['latchkey_worker_deaths_total']).toBe(1);
    server.process.kill('SIGHUP');
    await expect.poll(server.output).toContain('all workers are replaced');
    expect(await counted()).toBe(sent + 100);
  });

  it('leave a worker that does not respond out of the metrics, and say so', async () => {
    await start();
    const [one, two] = await connectToBoth();
    const sent = connections.length;
    for (const each of [one, two]) await each.ask(server.http.url, 'GET', '/health/live');
    await expect.poll(async () => (await scrape())[LIVE]).toBe(sent + 2);
    const [paused] = pids();
    process.kill(paused!, 'SIGSTOP');
    await expect.poll(states).toEqual([1, 1, 0]);
    expect((await scrape())[LIVE]).toBe(sent + 2);
    process.kill(paused!, 'SIGCONT');
    await expect.poll(states).toEqual([2, 0, 0]);
  });

  it('refuse a token at one of them that was revoked at the other', async () => {
    await start();
    const [one, two] = await connectToBoth();
    const { tokens } = await register(server.http);
    const whoami = async (connection: Connection) => {
      const response = await connection.ask(server.http.url, 'GET', '/auth/whoami', { token: tokens.access_token });
      return response.status === 200 ? 200 : 'body' in response && response.body.code;
    };
    expect([await whoami(one), await whoami(two)]).toEqual([200, 200]);
    const { status } = await one.ask(server.http.url, 'POST', '/auth/logout', { token: tokens.access_token });
    expect(status).toBe(204);
    expect(await whoami(one)).toBe('session_revoked');
    await expect.poll(() => whoami(two)).toBe('session_revoked');
  });
});
