import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../../src/database/connection-options.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { countedDuring, scrapeMetrics } from '../../support/app/scrape-metrics.js';
import { PASSWORD, refresh, register } from '../../support/app/users.js';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';

// Short, so that the tests do not wait long.
Object.assign(TIMEOUTS, { connect: 500, lock: 500, statement: 1000, query: 1200 });

describe('GET /metrics while PostgreSQL is away', () => {
  let test: TestApp;
  let server: OwnPostgres;
  beforeAll(async () => {
    server = await ownPostgres();
    test = await createTestApp({ databaseUrl: server.url });
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });

  const gauge = async (name: string) => (await scrapeMetrics(test.http)).series[name];

  it('shows that the cache of revocations is out of sync, and counts failures', async () => {
    const { email, tokens } = await register(test.http);
    await server.stop();
    await expect.poll(() => gauge('latchkey_revocation_feed_trusted')).toBe(0);
    const lag = (await gauge('latchkey_revocation_feed_lag_seconds'))!;
    const counted = await countedDuring(test.http, async () => {
      expect((await refresh(test.http, tokens.refresh_token)).status).toBe(503);
      expect((await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(503);
    });
    expect(counted).toEqual({
      'latchkey_refreshes_total{code="database_unavailable",outcome="failed"}': 1,
      'latchkey_logins_total{outcome="database_unavailable"}': 1,
    });
    expect(await gauge('latchkey_database_connections{state="waiting"}')).toBe(0);
    await expect.poll(() => gauge('latchkey_revocation_feed_lag_seconds'), { timeout: 5000 }).toBeGreaterThan(lag + 1);

    await server.start();
    await expect.poll(() => gauge('latchkey_revocation_feed_trusted'), { timeout: 15_000 }).toBe(1);
    expect(await gauge('latchkey_revocation_feed_lag_seconds')).toBeLessThan(5);
  });

  it('responds while every database connection waits', async () => {
    const { tokens } = await register(test.http);
    server.pause();
    const waiting = Promise.all(
      Array.from({ length: 30 }, () => test.http.get('/users/me', { token: tokens.access_token })),
    );
    const begun = performance.now();
    await scrapeMetrics(test.http);
    expect(performance.now() - begun).toBeLessThan(1000);
    for (const { status } of await waiting) expect([200, 503]).toContain(status);
    server.resume();
  });
});
