import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { expectFaultTolerance, STORMY, untilRefused } from '../../support/storm/outage-storm.js';
import { SlowProxy } from '../../support/database/slow-proxy.js';
import { pause } from '../../support/storm/storm.js';
import { shortenTimeouts } from '../../support/database/timeouts.js';

shortenTimeouts({ connect: 3000, lock: 800, statement: 1200, query: 1500 });

describe('requests with a slow PostgreSQL', { timeout: 90_000 }, () => {
  let test: TestApp;
  let database: ThrowawayDatabase;
  let proxy: SlowProxy;
  beforeAll(async () => {
    database = await throwawayDatabase();
    const url = new URL(database.url);
    proxy = await SlowProxy.before(Number(url.port));
    url.port = String(proxy.port);
    test = await createTestApp({ databaseUrl: url.href, env: { ...STORMY, DATABASE_POOL_SIZE: '10' } });
  });
  afterAll(async () => {
    await test.close();
    await proxy.close();
    await database.drop();
  });

  it('take longer, and succeed', async () => {
    const meanwhile = await expectFaultTolerance(test.http, database.url, {
      begin: () => (proxy.delayMs = 200),
      last: () => pause(3000),
      end: () => (proxy.delayMs = 0),
    });
    for (const route of ['POST /auth/refresh', 'GET /users/me'])
      expect(meanwhile.filter((outcome) => outcome.route === route && outcome.status === 200)).not.toEqual([]);
  });

  it('get 503 beyond the time-outs, and nobody is signed out', async () => {
    await expectFaultTolerance(test.http, database.url, {
      begin: () => (proxy.delayMs = 2000),
      last: untilRefused,
      end: () => (proxy.delayMs = 0),
    });
  });
});
