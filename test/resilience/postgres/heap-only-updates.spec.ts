import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RevocationCache } from '../../../src/revocations/revocation-cache.js';
import { RevocationSubscriber } from '../../../src/revocations/revocation-subscriber.js';
import { KeyRotationService } from '../../../src/signing-keys/key-rotation.service.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { login, refresh, register } from '../../support/app/users.js';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';

const DAY = 86_400_000;

// On a server of its own: a transaction of any database on the same server keeps old row versions.
describe('the pages of the table of sessions', () => {
  let test: TestApp;
  let server: OwnPostgres;
  beforeAll(async () => {
    server = await ownPostgres(['-c', 'autovacuum=off']);
    test = await createTestApp({ databaseUrl: server.url });
  });
  afterAll(async () => {
    await test.close();
    await server.destroy();
  });

  it('have room for new row versions: 800 updates are heap-only (HOT)', async () => {
    const [table] = await test.dataSource.query(`SELECT reloptions FROM pg_class WHERE relname = 'sessions'`);
    expect(table).toEqual({ reloptions: ['fillfactor=70'] });
    await stopBackground(test);
    await rotateFourHundredTimes(test);

    const statistics = `SELECT n_tup_upd::int AS updated, n_tup_hot_upd::int AS hot
      FROM pg_stat_user_tables WHERE relname = 'sessions'`;
    // Connections report their statistics some time after their last statement.
    const updated = async () => (await test.dataSource.query(statistics))[0].updated;
    await expect.poll(updated, { timeout: 20_000 }).toBeGreaterThanOrEqual(800);
    const [row] = await test.dataSource.query(statistics);
    expect(row.hot / row.updated).toBeGreaterThan(0.95);
  });
});

/** Stops the background statements, because their snapshots keep old row versions too. */
async function stopBackground({ app }: TestApp): Promise<void> {
  await app.get(KeyRotationService, { strict: false }).onApplicationShutdown();
  app.get(RevocationSubscriber, { strict: false }).onApplicationShutdown();
  app.get(RevocationCache).markSyncedUntil(Infinity);
}

async function rotateFourHundredTimes({ http, clock, flush }: TestApp): Promise<void> {
  // All on one day of UTC: a session's `purge_on` moves with the day, once.
  if (clock.now() % DAY > DAY - 3_600_000) clock.move('1h');
  const { email } = await register(http);
  let sessions = await Promise.all(Array.from({ length: 20 }, () => login(http, email)));
  for (let round = 1; round <= 20; round++) {
    for (const { access_token } of sessions) await http.get('/auth/whoami', { token: access_token });
    await flush();
    clock.move('121s');
    const responses = await Promise.all(sessions.map(({ refresh_token }) => refresh(http, refresh_token)));
    sessions = responses.map(({ body }) => body);
    expect(responses.map(({ status }) => status)).toEqual(sessions.map(() => 200));
  }
}
