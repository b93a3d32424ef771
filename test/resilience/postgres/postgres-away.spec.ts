import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { MAX_SILENCE_MS } from '../../../src/database/notification-listener.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import {
  expectRecovered,
  expectOpenRoutesServe,
  expectUnavailable,
  GUARDED,
  READS,
  ready,
  newUser,
  WRITES,
} from '../../support/app/outage.js';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';
import { shortenTimeouts } from '../../support/database/timeouts.js';

shortenTimeouts({ connect: 500, lock: 500, statement: 1000, query: 1200 });
const ALL = { ...READS, ...WRITES };
const POOL = 4;

describe('a server whose PostgreSQL is away', () => {
  let test: TestApp;
  let server: OwnPostgres;
  let database: Database;
  beforeAll(async () => {
    server = await ownPostgres();
    test = await createTestApp({ databaseUrl: server.url, env: { DATABASE_POOL_SIZE: String(POOL) } });
    database = test.app.get(Database);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    server.resume();
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });
  /** Runs a query on a connection of its own. */
  async function seen(sql: string, parameters: unknown[] = []): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql, parameters);
    await client.end();
    return rows;
  }

  it('fails closed with 503 while PostgreSQL is stopped, and recovers', async () => {
    const user = await newUser(test);
    await server.stop();
    await expectUnavailable(test, { ...ALL, ...GUARDED }, user);
    await expectOpenRoutesServe(test);
    expect(await ready(test)).toBe(503);
    await server.start();
    await expectRecovered(test, user);
  });

  it('responds with success or 503 to requests in flight when PostgreSQL stops', async () => {
    const user = await newUser(test);
    const routes = Array.from({ length: 10 }, () => [READS['sessions']!, READS['profile']!, WRITES['refresh']!]);
    const responses = routes.flat().map((call) => call(test, user));
    await server.stop();
    for (const { status, body } of await Promise.all(responses)) {
      expect([status, body.code]).toEqual(status === 200 ? [200, undefined] : [503, 'database_unavailable']);
    }
    await server.start();
    await expectRecovered(test, user);
  });

  it('keeps buffered acknowledgements, and writes them after it is back', async () => {
    const { tokens } = await newUser(test);
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
    await server.stop();
    await test.flush();
    await server.start();
    await expect.poll(() => ready(test)).toBe(200);
    await test.flush();
    const sql = 'SELECT acknowledged_generation AS acknowledged FROM sessions WHERE id = $1';
    expect(await seen(sql, [tokens.session_id])).toEqual([{ acknowledged: 1 }]);
  });

  it('responds with 503 within the time-outs while it is paused, and recovers', async () => {
    const user = await newUser(test);
    server.pause();
    const unavailable = expectUnavailable(test, ALL, user);
    await expectOpenRoutesServe(test);
    await unavailable;
    const whoami = async () => (await GUARDED['whoami']!(test, user)).status;
    await expect.poll(whoami, { timeout: 2 * MAX_SILENCE_MS, interval: 100 }).toBe(503);
    await expectUnavailable(test, GUARDED, user);
    expect(await ready(test)).toBe(503);
    server.resume();
    await expectRecovered(test, user);
  });

  it('leaves no transaction open after a pause: later writes are committed', async () => {
    const users = await Promise.all(Array.from({ length: 3 * POOL }, () => newUser(test)));
    await Promise.all(Array.from({ length: POOL }, () => database.write('SELECT pg_sleep(0.1)')));
    server.pause();
    const begun = Array.from({ length: POOL }, () => database.transaction(async () => {}));
    const settled = await Promise.allSettled(begun);
    expect(settled.map(({ status }) => status)).toEqual(begun.map(() => 'rejected'));
    server.resume();
    await expect.poll(() => ready(test)).toBe(200);

    const responses = await Promise.all(users.map((user) => WRITES['rename']!(test, user)));
    expect(responses.map(({ status }) => status)).toEqual(users.map(() => 200));
    expect(
      await seen(`SELECT id FROM users WHERE name = 'Nobody' AND email = ANY($1)`, [users.map(({ email }) => email)]),
    ).toHaveLength(users.length);
    expect(await seen(`SELECT state FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`)).toEqual([]);
  });

  it('applies a logout at its retry when the first commit was not confirmed', async () => {
    const { tokens } = await newUser(test);
    const query = pg.Client.prototype.query as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(pg.Client.prototype as { query: typeof query }, 'query').mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      const result = await query.apply(this, args);
      if (args[0] === 'COMMIT') throw new Error('Connection terminated unexpectedly');
      return result;
    });
    const logout = () => test.http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } });
    expect((await logout()).status).toBe(503);
    vi.restoreAllMocks();
    expect((await logout()).status).toBe(204);
    const { status, body } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    expect([status, body.code]).toEqual([401, 'session_revoked']);
  });
});
