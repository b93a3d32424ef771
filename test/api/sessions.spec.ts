import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { login, refresh, register } from '../support/app/users.js';

describe('the sessions of a user', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const whoami = async (token: string) => (await test.http.get('/auth/whoami', { token })).status;
  const revokedBecause = async (refreshToken: string) => {
    const { body } = await refresh(test.http, refreshToken);
    return [body.code, body.reason];
  };

  it('are listed newest first, without a token or any internal field', async () => {
    const { email, tokens } = await register(test.http);
    const response = await test.http.post('/auth/login', {
      json: { email, password: 'a long enough passphrase' },
      headers: { 'user-agent': 'a phone' },
    });
    const { status, body, headers } = await test.http.get('/sessions', { token: tokens.access_token });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body.map(({ id }: { id: string }) => id)).toEqual([response.body.session_id, tokens.session_id]);
    expect(body[0]).toEqual({
      id: response.body.session_id,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      lastUsedAt: body[0].createdAt,
      expiresAt: expect.stringMatching(/Z$/),
      ip: '127.0.0.1',
      userAgent: 'a phone',
      current: false,
    });
    expect(body[1].current).toBe(true);
  });

  it('show lastUsedAt to the hour, and never before createdAt', async () => {
    const { tokens } = await register(test.http);
    test.clock.move('3h');
    const { body: used } = await refresh(test.http, tokens.refresh_token);
    await test.flush();
    const { body } = await test.http.get('/sessions', { token: used.access_token });
    expect(body[0].lastUsedAt).toMatch(/:00:00\.000Z$/);
    expect(Date.parse(body[0].lastUsedAt) - Date.parse(body[0].createdAt)).toBeGreaterThan(2 * 3_600_000 - 1);
  });

  it('are listed without revoked ones', async () => {
    const { email, tokens } = await register(test.http);
    const revoked = await login(test.http, email);
    await test.http.post('/auth/logout', { token: revoked.access_token });
    const { body } = await test.http.get('/sessions', { token: tokens.access_token });
    expect(body.map(({ id }: { id: string }) => id)).toEqual([tokens.session_id]);
  });

  it('are revoked one by one: one’s tokens are refused at once, the others stay active', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    const { status } = await test.http.delete(`/sessions/${other.session_id}`, { token: tokens.access_token });
    expect(status).toBe(204);
    expect(await whoami(other.access_token)).toBe(401);
    expect(await revokedBecause(other.refresh_token)).toEqual(['session_revoked', 'ended_by_user']);
    expect(await whoami(tokens.access_token)).toBe(200);
  });

  it('of another user get the same 404 as unknown ids, and stay active', async () => {
    const { tokens: mine } = await register(test.http);
    const { tokens: theirs } = await register(test.http);
    for (const id of [
      theirs.session_id,
      '0198c3f0-0000-7000-8000-000000000000',
      'not-an-id',
      '%00',
      `${mine.session_id}x`,
    ]) {
      const { status, body } = await test.http.delete(`/sessions/${id}`, { token: mine.access_token });
      expect([id, status, body.code]).toEqual([id, 404, 'not_found']);
    }
    expect(await whoami(theirs.access_token)).toBe(200);
    expect((await refresh(test.http, theirs.refresh_token)).status).toBe(200);
  });

  it('are all revoked by DELETE /sessions', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    expect((await test.http.delete('/sessions', { token: tokens.access_token })).status).toBe(204);
    for (const { access_token, refresh_token } of [tokens, other]) {
      expect(await whoami(access_token)).toBe(401);
      expect(await revokedBecause(refresh_token)).toEqual(['session_revoked', 'ended_by_user']);
    }
  });

  it('are all revoked except the current one with ?except=current', async () => {
    const { email, tokens } = await register(test.http);
    const others = [await login(test.http, email), await login(test.http, email)];
    expect((await test.http.delete('/sessions?except=current', { token: tokens.access_token })).status).toBe(204);
    for (const { access_token } of others) expect(await whoami(access_token)).toBe(401);
    expect(await whoami(tokens.access_token)).toBe(200);
  });

  it('are not revoked by a request with any other query', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    for (const query of [
      'except=',
      'except=other',
      'excpet=current',
      'except=current&x=1',
      'except=current&except=current',
    ]) {
      const { status, body } = await test.http.delete(`/sessions?${query}`, { token: tokens.access_token });
      expect([query, status]).toEqual([query, 400]);
      expect(body.code).toMatch(/^(validation_failed|repeated_parameter)$/);
    }
    expect(await whoami(other.access_token)).toBe(200);
  });
});

describe('logout', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const alive = async (tokens: { refresh_token: string }) =>
    (await refresh(test.http, tokens.refresh_token)).status === 200;
  const logout = (options: object) => test.http.post('/auth/logout', options);

  it('revokes the session: its access and refresh tokens are refused at once', async () => {
    const { tokens } = await register(test.http);
    const { status, body, headers } = await logout({ token: tokens.access_token });
    expect([status, body]).toEqual([204, undefined]);
    // On a shared origin, Clear-Site-Data would also clear the cache of the app.
    expect(headers.get('clear-site-data')).toBeNull();
    const { body: refused } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    expect(refused).toMatchObject({ code: 'session_revoked', terminal: true, session_id: tokens.session_id });
    expect((await refresh(test.http, tokens.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      reason: 'logout',
    });
  });

  it('accepts a refresh token when the access token has expired', async () => {
    const { tokens } = await register(test.http);
    test.clock.move('16m');
    expect((await logout({ token: tokens.access_token })).body.code).toBe('access_token_expired');
    expect(await alive(tokens)).toBe(true);
    const { status } = await logout({ token: tokens.access_token, json: { refresh_token: tokens.refresh_token } });
    expect(status).toBe(204);
    expect(await alive(tokens)).toBe(false);
  });

  it('accepts a refresh token of any generation, without a reuse alarm', async () => {
    const { tokens } = await register(test.http);
    let newest = tokens;
    for (let i = 0; i < 2; i++) {
      await test.http.get('/auth/whoami', { token: newest.access_token });
      await test.flush();
      test.clock.move('121s');
      newest = (await refresh(test.http, newest.refresh_token)).body;
    }
    expect((await logout({ json: { refresh_token: tokens.refresh_token } })).status).toBe(204);
    expect((await refresh(test.http, newest.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      reason: 'logout',
    });
  });

  it('revokes both sessions when its two tokens belong to different ones', async () => {
    const { email, tokens: one } = await register(test.http);
    const two = await login(test.http, email);
    expect((await logout({ token: one.access_token, json: { refresh_token: two.refresh_token } })).status).toBe(204);
    expect([await alive(one), await alive(two)]).toEqual([false, false]);
  });

  it('is idempotent', async () => {
    const { tokens } = await register(test.http);
    for (let i = 0; i < 2; i++) {
      expect((await logout({ token: tokens.access_token })).status).toBe(204);
      expect((await logout({ json: { refresh_token: tokens.refresh_token } })).status).toBe(204);
    }
  });

  it('accepts an outdated access token', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    await test.http.post('/auth/password', {
      token: tokens.access_token,
      json: { currentPassword: 'a long enough passphrase', newPassword: 'another long passphrase' },
    });
    expect((await logout({ token: other.access_token })).status).toBe(204);
  });

  it('refuses a request without a valid token, and revokes nothing', async () => {
    const { tokens } = await register(test.http);
    expect((await logout({})).body.code).toBe('access_token_missing');
    expect((await logout({ json: {} })).body.code).toBe('access_token_missing');
    expect((await logout({ json: { refresh_token: 'x' } })).body.code).toBe('refresh_token_invalid');
    expect((await logout({ token: 'x' })).body.code).toBe('access_token_invalid');
    expect((await logout({ json: { refresh_token: 1 } })).body.code).toBe('validation_failed');
    expect(await alive(tokens)).toBe(true);
  });
});
