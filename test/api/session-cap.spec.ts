import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { login, refresh, register } from '../support/app/users.js';

describe('a user with MAX_SESSIONS_PER_USER=3', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp({ env: { MAX_SESSIONS_PER_USER: '3' } });
  });
  afterAll(() => test.close());

  const idsOf = async (token: string) =>
    (await test.http.get('/sessions', { token })).body.map(({ id }: { id: string }) => id) as string[];

  it('loses the least recently used session at the fourth sign-in (session_cap)', async () => {
    const { email, tokens: first } = await register(test.http);
    test.clock.move('1m');
    const second = await login(test.http, email);
    test.clock.move('1m');
    const third = await login(test.http, email);
    test.clock.move('1m');
    // The oldest is used again: the second is now the least recently used.
    await test.http.get('/auth/whoami', { token: first.access_token });
    await test.flush();

    const fourth = await login(test.http, email);
    expect((await test.http.get('/auth/whoami', { token: second.access_token })).body.code).toBe('session_revoked');
    expect((await refresh(test.http, second.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      reason: 'session_cap',
      terminal: true,
    });
    const left = [fourth.session_id, third.session_id, first.session_id];
    expect((await idsOf(fourth.access_token)).sort()).toEqual(left.sort());
  });

  it('has exactly three sessions after twelve parallel sign-ins', async () => {
    const { email } = await register(test.http);
    const all = await Promise.all(Array.from({ length: 12 }, () => login(test.http, email)));
    const alive = [];
    for (const { refresh_token } of all)
      if ((await refresh(test.http, refresh_token)).status === 200) alive.push(refresh_token);
    expect(alive).toHaveLength(3);
  });

  it('loses no session when the others are revoked already', async () => {
    const other = await register(test.http);
    const { email, tokens } = await register(test.http);
    for (let i = 0; i < 3; i++) {
      const { access_token } = await login(test.http, email);
      await test.http.post('/auth/logout', { token: access_token });
    }
    await login(test.http, email);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    expect((await refresh(test.http, other.tokens.refresh_token)).status).toBe(200);
  });
});
