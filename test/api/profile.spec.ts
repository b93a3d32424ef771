import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, register } from '../support/app/users.js';
import { expectProblem, expectRefused, fieldsOf } from '../support/http/problems.js';

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

describe('the profile', () => {
  const profileOf = async (token: string) =>
    (await test.http.get<Record<string, unknown>>('/users/me', { token })).body;

  it('has the documented fields, without password hash, status or token version', async () => {
    const { email, tokens } = await register(test.http);
    const { headers, body } = await test.http.get('/users/me', { token: tokens.access_token });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      id: claimsOf(tokens.access_token)['sub'],
      email,
      name: null,
      roles: [],
      emailVerified: false,
      locale: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it('sets, keeps and removes its name', async () => {
    const { tokens } = await register(test.http);
    const change = (json: object) => test.http.patch('/users/me', { token: tokens.access_token, json });
    const before = await profileOf(tokens.access_token);
    for (const [json, name] of [
      [{ name: 'Ada' }, 'Ada'],
      [{}, 'Ada'],
      [{ name: null }, null],
    ] as const) {
      const { status, headers, body } = await change(json);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toEqual({ ...before, name });
      expect(await profileOf(tokens.access_token)).toEqual(body);
    }
  });

  it('refuses changes of any other field (mass assignment)', async () => {
    const { tokens } = await register(test.http);
    for (const field of ['id', 'email', 'roles', 'status', 'ver', 'emailVerified', 'password', 'passwordHash']) {
      const options = { token: tokens.access_token, json: { name: 'Ada', [field]: 'x' } };
      const problem = await expectRefused(test, 'PATCH /users/me', options, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual([field]);
    }
  });

  it('is that of the caller: no other user can be read or changed', async () => {
    const [ada, grace] = [await register(test.http), await register(test.http)];
    const before = await profileOf(grace.tokens.access_token);
    await test.http.patch('/users/me', { token: ada.tokens.access_token, json: { name: 'Ada' } });
    expect(await profileOf(grace.tokens.access_token)).toEqual(before);
    expect(
      (await test.http.get('/users/me?id=' + before['id'], { token: ada.tokens.access_token })).body,
    ).toMatchObject({
      email: ada.email,
    });
  });

  it('responds session_revoked with the session id for a deleted user', async () => {
    const { email, tokens } = await register(test.http);
    await test.dataSource.query(`DELETE FROM users WHERE email = '${email}'`);
    for (const [method, json] of [['GET'], ['PATCH', { name: 'Ada' }]] as const) {
      const response = await test.http.send(method, '/users/me', { token: tokens.access_token, json });
      const { session_id } = expectProblem(response, 401, 'session_revoked');
      expect(session_id).toBe(tokens.session_id);
    }
  });
});
