import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { expectFaultTolerance, STORMY, untilRefused, type Fault } from '../../support/storm/outage-storm.js';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';
import { shortenTimeouts } from '../../support/database/timeouts.js';

shortenTimeouts({ connect: 500, lock: 500, statement: 1000, query: 1200 });
const POOL = 6;
const MAX_CONNECTIONS = 20;

describe('a storm of requests on PostgreSQL', { timeout: 90_000 }, () => {
  let test: TestApp;
  let server: OwnPostgres;
  const others: pg.Client[] = [];
  beforeAll(async () => {
    server = await ownPostgres(['-c', `max_connections=${MAX_CONNECTIONS}`]);
    test = await createTestApp({ databaseUrl: server.url, env: { ...STORMY, DATABASE_POOL_SIZE: String(POOL) } });
  });
  afterEach(async () => {
    server.resume();
    await closeConnections();
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });

  const expectToleranceOf = (fault: Fault) => expectFaultTolerance(test.http, server.url, fault);

  /** Opens a connection of another program. */
  async function openConnection(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: server.url }).on('error', () => {});
    await client.connect();
    others.push(client);
    return client;
  }
  const closeConnections = () => Promise.all(others.splice(0).map((client) => client.end()));

  it('loses nothing and recovers while PostgreSQL is stopped', async () => {
    await expectToleranceOf({
      begin: () => server.stop(),
      last: untilRefused,
      end: () => server.start(),
      cutsNotifications: true,
    });
  });

  it('loses nothing and recovers while PostgreSQL is paused', async () => {
    await expectToleranceOf({
      begin: () => server.pause(),
      last: untilRefused,
      end: () => server.resume(),
      cutsNotifications: true,
    });
  });

  it('loses nothing and recovers while PostgreSQL terminates all connections', async () => {
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'latchkey%'`;
    await expectToleranceOf({
      begin: openConnection,
      last: async () => {
        for (let i = 0; i < 25; i++) await others[0]!.query(`${cut} AND pg_sleep(0.02) IS NOT NULL`);
      },
      end: closeConnections,
      cutsNotifications: true,
    });
  });

  it('loses nothing and recovers while another program locks the sessions table', async () => {
    await expectToleranceOf({
      begin: async () => {
        const holder = await openConnection();
        await holder.query('BEGIN');
        await holder.query('LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE');
      },
      last: untilRefused,
      end: closeConnections,
    });
  });

  it('loses nothing and recovers while the pool is exhausted', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const taken: Promise<void>[] = [];
    await expectToleranceOf({
      begin: () => {
        const take = () => test.app.get(Database).transaction(async () => held);
        for (let i = 0; i < POOL; i++) taken.push(take());
      },
      last: untilRefused,
      end: async () => {
        release();
        await Promise.allSettled(taken);
      },
    });
  });

  it('loses nothing and recovers while PostgreSQL has no connection left', async () => {
    await expectToleranceOf({
      begin: async () => {
        const first = await openConnection();
        const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'latchkey%'`;
        while (others.length < MAX_CONNECTIONS) {
          await openConnection().catch(() => {});
          await first.query(cut);
        }
      },
      last: untilRefused,
      end: closeConnections,
      cutsNotifications: true,
    });
  });
});
