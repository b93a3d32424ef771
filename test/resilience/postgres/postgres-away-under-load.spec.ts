import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { createTestApp, type TestApp } from '../../support/app.js';
import { expectFaultTolerance, STORMY, untilRefused, type Fault } from '../../support/storm/outage-storm.js';
import { ownPostgres, type OwnPostgres } from '../../support/own-postgres.js';
import { waitAtMost } from '../../support/waits.js';

waitAtMost({ connect: 500, lock: 500, statement: 1000, query: 1200 });
const POOL = 6;
const MAX_CONNECTIONS = 20;

describe('a storm of requests loses nothing, and goes on by itself', { timeout: 90_000 }, () => {
  let test: TestApp;
  let server: OwnPostgres;
  const others: pg.Client[] = [];
  beforeAll(async () => {
    server = await ownPostgres(['-c', `max_connections=${MAX_CONNECTIONS}`]);
    test = await createTestApp({ databaseUrl: server.url, env: { ...STORMY, DATABASE_POOL_SIZE: String(POOL) } });
  });
  afterEach(async () => {
    server.resume();
    await leave();
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });

  const expectToleranceOf = (fault: Fault) => expectFaultTolerance(test.http, server.url, fault);

  /** Another program's connection. */
  async function enter(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: server.url }).on('error', () => {});
    await client.connect();
    others.push(client);
    return client;
  }
  const leave = () => Promise.all(others.splice(0).map((client) => client.end()));

  it('when PostgreSQL is stopped and started', async () => {
    await expectToleranceOf({
      begin: () => server.stop(),
      last: untilRefused,
      end: () => server.start(),
      cutsNotifications: true,
    });
  });

  it('when PostgreSQL is paused', async () => {
    await expectToleranceOf({
      begin: () => server.pause(),
      last: untilRefused,
      end: () => server.resume(),
      cutsNotifications: true,
    });
  });

  it('when PostgreSQL ends all connections, again and again', async () => {
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'latchkey%'`;
    await expectToleranceOf({
      begin: enter,
      last: async () => {
        for (let i = 0; i < 25; i++) await others[0]!.query(`${end} AND pg_sleep(0.02) IS NOT NULL`);
      },
      end: leave,
      cutsNotifications: true,
    });
  });

  it('when somebody holds the locks', async () => {
    await expectToleranceOf({
      begin: async () => {
        const holder = await enter();
        await holder.query('BEGIN');
        await holder.query('LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE');
      },
      last: untilRefused,
      end: leave,
    });
  });

  it('when the pool has no connection left', async () => {
    let giveBack = () => {};
    const held = new Promise<void>((resolve) => (giveBack = resolve));
    const taken: Promise<void>[] = [];
    await expectToleranceOf({
      begin: () => {
        const take = () => test.app.get(Database).transaction(async () => held);
        for (let i = 0; i < POOL; i++) taken.push(take());
      },
      last: untilRefused,
      end: async () => {
        giveBack();
        await Promise.allSettled(taken);
      },
    });
  });

  it('when others have taken all connections of the server', async () => {
    await expectToleranceOf({
      begin: async () => {
        const first = await enter();
        const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'latchkey%'`;
        while (others.length < MAX_CONNECTIONS) {
          await enter().catch(() => {});
          await first.query(end);
        }
      },
      last: untilRefused,
      end: leave,
      cutsNotifications: true,
    });
  });
});
