import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database.js';
import { Http } from '../support/http.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/people.js';
import { startServer, type ServerProcess } from '../support/server-process.js';

/** Acknowledges the generation, and moves the clock past the rotation interval. */
async function makeDue(test: TestApp, accessToken: string) {
  await test.http.get('/auth/whoami', { token: accessToken });
  await test.flush();
  test.clock.move('121s');
}

describe('parallel requests', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  it('all succeed for 50 refreshes of one token, with a single rotation', async () => {
    const { tokens } = await register(test.http);
    await makeDue(test, tokens.access_token);
    const responses = await Promise.all(Array.from({ length: 50 }, () => refresh(test.http, tokens.refresh_token)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(responses.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(claimsOf(responses[0]!.body.refresh_token)['gen']).toBe(2);
  });

  it('each get their own tokens for refreshes of many sessions', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => register(test.http)));
    await Promise.all(people.map(({ tokens }) => test.http.get('/auth/whoami', { token: tokens.access_token })));
    await test.flush();
    test.clock.move('121s');
    const responses = await Promise.all(people.map(({ tokens }) => refresh(test.http, tokens.refresh_token)));
    responses.forEach(({ status, body }, i) => {
      expect(status).toBe(200);
      expect(body.session_id).toBe(people[i]!.tokens.session_id);
      expect(claimsOf(body.access_token)['sub']).toBe(claimsOf(people[i]!.tokens.access_token)['sub']);
      expect(claimsOf(body.refresh_token)['gen']).toBe(2);
    });
  });

  it('leave no live session or usable token when a logout races refreshes', async () => {
    for (let round = 0; round < 10; round++) {
      const { tokens } = await register(test.http);
      await makeDue(test, tokens.access_token);
      const [refreshed, { status }] = await Promise.all([
        Promise.all(Array.from({ length: 5 }, () => refresh(test.http, tokens.refresh_token))),
        test.http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } }),
      ]);
      expect(status).toBe(204);
      for (const { body } of refreshed) {
        if (!body.access_token) continue;
        expect((await test.http.get('/auth/whoami', { token: body.access_token })).status).toBe(401);
        expect((await refresh(test.http, body.refresh_token)).body.code).toBe('session_revoked');
      }
      expect((await refresh(test.http, tokens.refresh_token)).body.code).toBe('session_revoked');
    }
  });

  it('that replay an old token revoke the session, each with a terminal error', async () => {
    const { tokens } = await register(test.http);
    await makeDue(test, tokens.access_token);
    const next = (await refresh(test.http, tokens.refresh_token)).body;
    await makeDue(test, next.access_token);
    const replays = await Promise.all(Array.from({ length: 10 }, () => refresh(test.http, tokens.refresh_token)));
    expect(replays.every(({ status, body }) => status === 401 && body.terminal)).toBe(true);
    // Parallel replays share the outcome; a later one finds the session revoked.
    expect(replays.some(({ body }) => body.code === 'refresh_token_reused')).toBe(true);
    expect((await refresh(test.http, next.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      reason: 'reused',
    });
  });

  it('of random kinds never fail with a server error', async () => {
    const { email, tokens } = await register(test.http);
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        if (i % 4 === 0) return (await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status;
        if (i % 4 === 1) return (await refresh(test.http, tokens.refresh_token)).status;
        if (i % 4 === 2) {
          const { access_token } = await login(test.http, email);
          return (await test.http.post('/auth/logout', { token: access_token })).status;
        }
        return (await test.http.patch('/users/me', { token: tokens.access_token, json: { name: `N${i}` } })).status;
      }),
    );
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });
});

describe.runIf(isPostgres)('two processes on one PostgreSQL', () => {
  let database: ThrowawayDatabase;
  let servers: ServerProcess[];
  beforeAll(async () => {
    database = await throwawayDatabase();
    const env = { DATABASE_URL: database.url, REFRESH_ROTATION_INTERVAL: '1s', REFRESH_LEEWAY: '500ms' };
    servers = await Promise.all([startServer(env), startServer(env)]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.drop();
  });

  it('all succeed for 50 parallel refreshes of one token, with a single rotation', async () => {
    const [a, b] = servers.map(({ http }) => http) as [Http, Http];
    const { tokens } = await register(a);
    expect((await b.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
    // The acknowledgement is written within a second, and the generation is due a second after that.
    await expect
      .poll(async () => claimsOf((await refresh(a, tokens.refresh_token)).body.refresh_token)['gen'], {
        timeout: 10_000,
      })
      .toBe(2);
    const second = (await refresh(b, tokens.refresh_token)).body.refresh_token;
    await refresh(a, second);
    await new Promise((resolve) => setTimeout(resolve, 2500));

    const responses = await Promise.all(Array.from({ length: 50 }, (_, i) => refresh(i % 2 ? a : b, second)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(responses.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(claimsOf(responses[0]!.body.refresh_token)['gen']).toBe(3);
  });
});

describe('a restart', () => {
  it('keeps sessions alive and revoked sessions revoked', async () => {
    const database = await throwawayDatabase();
    const env = { DATABASE_URL: database.url };
    const before = await startServer(env);
    const { email, tokens: kept } = await register(before.http);
    const revoked = await login(before.http, email);
    await before.http.post('/auth/logout', { token: revoked.access_token });
    expect(await before.stop()).toBe(0);

    const after = await startServer(env);
    expect((await after.http.get('/auth/whoami', { token: kept.access_token })).status).toBe(200);
    expect((await refresh(after.http, kept.refresh_token)).status).toBe(200);
    expect((await after.http.get('/auth/whoami', { token: revoked.access_token })).body.code).toBe('session_revoked');
    expect((await refresh(after.http, revoked.refresh_token)).body.code).toBe('session_revoked');
    await after.stop();
    await database.drop();
  });
});
