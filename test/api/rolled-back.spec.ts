import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { newUser } from '../support/app/outage.js';
import { login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';

describe('a registration that is rolled back', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  it('does not roll back parallel requests that succeeded', async () => {
    const users = await Promise.all(Array.from({ length: 10 }, () => newUser(test)));
    const responses = await Promise.all(
      users.map(async (user, i) => {
        const email = someEmail();
        const [taken, registered, signedIn, renamed, refreshed, revoked] = await Promise.all([
          test.http.post('/auth/register', { json: { email: user.email, password: PASSWORD } }),
          register(test.http, email),
          login(test.http, user.email),
          test.http.patch('/users/me', { token: user.tokens.access_token, json: { name: `User ${i}` } }),
          refresh(test.http, user.tokens.refresh_token),
          test.http.delete(`/sessions/${user.other.session_id}`, { token: user.tokens.access_token }),
        ]);
        expect([taken.status, taken.body.code]).toEqual([409, 'email_taken']);
        expect([renamed.status, refreshed.status, revoked.status]).toEqual([200, 200, 204]);
        return { user, i, sessions: [registered.tokens, signedIn, refreshed.body] };
      }),
    );
    for (const { user, i, sessions } of responses) {
      for (const { refresh_token } of sessions) expect((await refresh(test.http, refresh_token)).status).toBe(200);
      expect((await refresh(test.http, user.other.refresh_token)).body.code).toBe('session_revoked');
      const profile = await test.http.get('/users/me', { token: user.tokens.access_token });
      expect(profile.body.name).toBe(`User ${i}`);
    }
  });
});
