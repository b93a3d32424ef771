import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import {
  expectRecovered,
  expectGuardedRoutesServe,
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
const MAX_CONNECTIONS = 20;

describe('a server without database connections', () => {
  let test: TestApp;
  let server: OwnPostgres;
  let database: Database;
  beforeAll(async () => {
    server = await ownPostgres(['-c', `max_connections=${MAX_CONNECTIONS}`]);
    test = await createTestApp({ databaseUrl: server.url, env: { DATABASE_POOL_SIZE: String(POOL) } });
    database = test.app.get(Database);
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });

  it('responds with 503 while its pool is exhausted, and recovers', async () => {
    const user = await newUser(test);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const taken = Array.from({ length: POOL }, () => database.transaction(async () => held));
    await expectUnavailable(test, ALL, user);
    await expectGuardedRoutesServe(test, user);
    expect(await ready(test)).toBe(503);
    release();
    await Promise.all(taken);
    await expectRecovered(test, user);
  });

  it('responds with 503 while PostgreSQL has none left, and recovers', async () => {
    const user = await newUser(test);
    const taken: pg.Client[] = [];
    const takeConnection = async (): Promise<number> => {
      const client = new pg.Client({ connectionString: server.url }).on('error', () => {});
      await client.connect().then(
        () => taken.push(client),
        () => {},
      );
      const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'latchkey%'`;
      await taken[0]!.query(cut);
      return taken.length;
    };
    await expect.poll(takeConnection, { interval: 1, timeout: 10_000 }).toBe(MAX_CONNECTIONS);
    await expectUnavailable(test, { ...ALL, ...GUARDED }, user);
    await expectOpenRoutesServe(test);
    await Promise.all(taken.map((client) => client.end()));
    await expectRecovered(test, user);
  });
});
