import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, login, PASSWORD, refresh, register, registerMany } from '../support/app/users.js';

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
    const users = await registerMany(test.http, 20);
    await Promise.all(users.map(({ tokens }) => test.http.get('/auth/whoami', { token: tokens.access_token })));
    await test.flush();
    test.clock.move('121s');
    const responses = await Promise.all(users.map(({ tokens }) => refresh(test.http, tokens.refresh_token)));
    responses.forEach(({ status, body }, i) => {
      expect(status).toBe(200);
      expect(body.session_id).toBe(users[i]!.tokens.session_id);
      expect(claimsOf(body.access_token)['sub']).toBe(claimsOf(users[i]!.tokens.access_token)['sub']);
      expect(claimsOf(body.refresh_token)['gen']).toBe(2);
    });
  });

  it('leave no active session or usable token when a logout races refreshes', async () => {
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

  it('revoke the session when they replay an old token, each with a terminal error', async () => {
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

  it('never fail with a server error, of any kind', async () => {
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
