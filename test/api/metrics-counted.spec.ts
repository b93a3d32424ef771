import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { Database } from '../../src/database/database.js';
import { HashingQueue } from '../../src/passwords/hashing-queue.js';
import { PurgeService } from '../../src/sessions/purge.service.js';
import { RevocationSubscriber } from '../../src/revocations/revocation-subscriber.js';
import { RevocationCache } from '../../src/revocations/revocation-cache.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { isPostgres } from '../support/database/database.js';
import { holdNext } from '../support/app/barrier.js';
import { countedDuring, scrapeMetrics } from '../support/app/scrape-metrics.js';
import { login, PASSWORD, refresh, register } from '../support/app/users.js';
import { Rows } from '../support/database/rows.js';

const POOL = 3;
const REFRESHES = 'latchkey_refreshes_total';
const LOGINS = 'latchkey_logins_total';

describe('the metrics', () => {
  let test: TestApp;
  const begun = performance.now();
  const rows = new Rows(() => test);
  beforeAll(async () => {
    test = await createTestApp({ env: { DATABASE_POOL_SIZE: String(POOL) } });
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => test.close());

  const counted = (work: () => Promise<unknown>) => countedDuring(test.http, work);
  const gauge = async (name: string) => (await scrapeMetrics(test.http)).series[name]!;
  const sql = (text: string) => test.dataSource.query(text);
  const withPassword = (email: string, password: string) =>
    test.http.post('/auth/login', { json: { email, password } });

  /** Writes acknowledgements, and moves the clock. */
  async function later(duration: string): Promise<void> {
    await test.flush();
    test.clock.move(duration);
  }

  it('count a refresh once, by its outcome', async () => {
    const { tokens } = await register(test.http);
    const first = tokens.refresh_token;
    let second = '';
    expect(await counted(() => refresh(test.http, first))).toEqual({ [`${REFRESHES}{outcome="unchanged"}`]: 1 });
    await later('121s');
    expect(await counted(async () => (second = (await refresh(test.http, first)).body.refresh_token))).toEqual({
      [`${REFRESHES}{outcome="rotated"}`]: 1,
    });
    expect(await counted(() => refresh(test.http, first))).toEqual({ [`${REFRESHES}{outcome="resent"}`]: 1 });
    await refresh(test.http, second);
    await later('61s');
    expect(await counted(() => refresh(test.http, first))).toEqual({ [`${REFRESHES}{outcome="reused"}`]: 1 });
    expect(await counted(() => refresh(test.http, second))).toEqual({
      [`${REFRESHES}{code="revoked",outcome="refused"}`]: 1,
    });
  });

  it.each<[string, (session: { id: string; email: string }) => unknown]>([
    ['user_inactive', ({ email }) => rows.disable(email)],
    ['unknown_session', ({ id }) => sql(`DELETE FROM sessions WHERE id = '${id}'`)],
    ['expired_idle', () => test.clock.move('8d')],
    ['expired_absolute', () => test.clock.move('31d')],
  ])('count a refused refresh once, by its reason: %s', async (code, happens) => {
    const { email, tokens } = await register(test.http);
    await happens({ id: tokens.session_id, email });
    expect(await counted(() => refresh(test.http, tokens.refresh_token))).toEqual({
      [`${REFRESHES}{code="${code}",outcome="refused"}`]: 1,
    });
  });

  it.each<[string, object]>([
    ['refresh_token_missing', {}],
    ['refresh_token_invalid', { refresh_token: 'nonsense' }],
    ['validation_failed', { refresh_token: 7 }],
  ])('count a refresh without a valid token once, by its code: %s', async (code, json) => {
    expect(await counted(() => test.http.post('/auth/refresh', { json }))).toEqual({
      [`${REFRESHES}{code="${code}",outcome="refused"}`]: 1,
    });
  });

  it('count a refresh and a sign-in without the database once, as failed', async () => {
    const { email, tokens } = await register(test.http);
    const away = () => vi.spyOn(test.app.get(Database), 'write').mockRejectedValue(new Problem('database_unavailable'));
    const failed = await counted(async () => {
      away();
      await refresh(test.http, tokens.refresh_token);
      vi.restoreAllMocks();
    });
    expect(failed).toEqual({ [`${REFRESHES}{code="database_unavailable",outcome="failed"}`]: 1 });
    const barrier = holdNext(test, 'verify');
    const response = counted(() => withPassword(email, PASSWORD));
    await barrier.reached;
    vi.spyOn(test.app.get(Database), 'transaction').mockRejectedValue(new Problem('database_unavailable'));
    barrier.open();
    expect(await response).toEqual({ [`${LOGINS}{outcome="database_unavailable"}`]: 1 });
  });

  it('count a session that was behind its token once, and as a rotation', async () => {
    const { tokens } = await register(test.http);
    await refresh(test.http, tokens.refresh_token);
    await later('121s');
    const { body } = await refresh(test.http, tokens.refresh_token);
    await sql(`UPDATE sessions SET generation = 1, acknowledged_generation = 1 WHERE id = '${tokens.session_id}'`);
    expect(await counted(() => refresh(test.http, body.refresh_token))).toEqual({
      latchkey_database_behind_total: 1,
      [`${REFRESHES}{outcome="rotated"}`]: 1,
    });
  });

  it('count every refresh request, also those that share a response', async () => {
    const { tokens } = await register(test.http);
    await refresh(test.http, tokens.refresh_token);
    await later('121s');
    const atOnce = Array.from({ length: 8 }, () => tokens.refresh_token);
    await Promise.all(atOnce.map((token) => refresh(test.http, token)));
    const { series } = await scrapeMetrics(test.http);
    const sum = (name: RegExp) =>
      Object.entries(series).reduce((total, [one, n]) => total + (name.test(one) ? n : 0), 0);
    expect(sum(/^latchkey_refreshes_total\b/)).toBe(sum(/^http_request_duration_seconds_count.*"\/auth\/refresh"/));
  });

  it('count a sign-in once, by its outcome', async () => {
    const { email } = await register(test.http);
    expect(await counted(() => login(test.http, email))).toEqual({ [`${LOGINS}{outcome="success"}`]: 1 });
    const refused = { [`${LOGINS}{outcome="invalid_credentials"}`]: 1 };
    expect(await counted(() => withPassword(email, 'not the password'))).toEqual(refused);
    expect(await counted(() => withPassword('nobody@example.com', PASSWORD))).toEqual(refused);
    expect(await counted(() => test.http.post('/auth/login', { json: {} }))).toEqual({
      [`${LOGINS}{outcome="validation_failed"}`]: 1,
    });
  });

  it('count a sign-in overtaken by a change of password once, as refused', async () => {
    const { email, tokens } = await register(test.http);
    const barrier = holdNext(test, 'verify');
    const counts = counted(() => withPassword(email, PASSWORD));
    await barrier.reached;
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    await test.http.post('/auth/password', { token: tokens.access_token, json });
    barrier.open();
    expect(await counts).toEqual({ [`${LOGINS}{outcome="invalid_credentials"}`]: 1 });
  });

  it('show running and waiting hashes, and count refused ones (back-pressure)', async () => {
    const { email } = await register(test.http);
    const queue = test.app.get(HashingQueue);
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const held: Promise<void>[] = [];
    while (queue.waiting < 64) {
      held.push(
        queue.inTurn({ network: `network ${held.length}`, deadline: performance.now() + 60_000 }, () => opened),
      );
      await new Promise(setImmediate);
    }
    expect(await gauge('latchkey_hash_queue_running')).toBe(held.length - 64);
    expect(await gauge('latchkey_hash_queue_waiting')).toBe(64);
    // Of equal networks a random one is refused: the last.
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    expect(await counted(() => withPassword(email, PASSWORD))).toEqual({
      [`${LOGINS}{outcome="hashing_busy"}`]: 1,
      latchkey_hash_queue_refused_total: 1,
    });
    vi.restoreAllMocks();
    open();
    await Promise.all(held);
    expect(await gauge('latchkey_hash_queue_running')).toBe(0);
    expect(await gauge('latchkey_hash_queue_waiting')).toBe(0);
  });

  it('show the cached access tokens and revocations', async () => {
    const users = await Promise.all([1, 2, 3].map(() => register(test.http)));
    const [tokens, revocations] = [
      await gauge('latchkey_tokens_remembered'),
      await gauge('latchkey_revocations_remembered'),
    ];
    for (const { access_token: token } of [...users, ...users].map((user) => user.tokens)) {
      await test.http.get('/auth/whoami', { token });
    }
    expect(await gauge('latchkey_tokens_remembered')).toBe(tokens + 3);
    await test.http.post('/auth/logout', { token: users[0]!.tokens.access_token });
    expect(await gauge('latchkey_revocations_remembered')).toBe(revocations + 1);
  });

  it('count the purged rows by table', async () => {
    for (const table of ['sessions', 'revocations', 'outbox']) await sql(`DELETE FROM ${table}`);
    const users = await Promise.all([1, 2].map(() => register(test.http)));
    for (const { tokens } of users) await test.http.post('/auth/logout', { token: tokens.access_token });
    test.clock.move('2d');
    expect(await counted(() => test.app.get(PurgeService).run())).toEqual({
      'latchkey_rows_purged_total{table="sessions"}': 2,
      'latchkey_rows_purged_total{table="revocations"}': 2,
    });
  });

  it('show the connections to PostgreSQL, and none on SQLite', async () => {
    const state = (name: string) => gauge(`latchkey_database_connections{state="${name}"}`);
    if (!isPostgres) return expect(await state('total')).toBeUndefined();
    const busy = Promise.all(
      Array.from({ length: POOL + 2 }, () => test.app.get(Database).write('SELECT pg_sleep(1)')),
    );
    await expect.poll(() => state('waiting')).toBe(2);
    expect([await state('total'), await state('idle')]).toEqual([POOL, 0]);
    await busy;
    await expect.poll(() => state('idle')).toBe(POOL);
    expect([await state('total'), await state('waiting')]).toEqual([POOL, 0]);
  });

  it('show whether the cache of revocations is in sync, and its lag', async () => {
    const trusted = () => gauge('latchkey_revocation_feed_trusted');
    const lag = () => gauge('latchkey_revocation_feed_lag_seconds');
    expect(await trusted()).toBe(1);
    expect(await lag()).toBeLessThan((performance.now() - begun) / 1000);
    test.app.get(RevocationSubscriber).onApplicationShutdown();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await lag();
    test.app.get(RevocationCache).markStale();
    expect(await trusted()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await lag()).toBeGreaterThan(before + 0.4);
    expect(await lag()).toBeLessThan(before + 20);
  });
});
