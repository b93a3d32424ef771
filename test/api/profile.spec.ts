import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.js';
import { claimsOf, register } from '../support/people.js';
import { expectProblem, expectRefused, fieldsOf } from '../support/problems.js';

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

describe('the profile', () => {
  const profileOf = async (token: string) =>
    (await test.http.get<Record<string, unknown>>('/users/me', { token })).body;

  it('shows what its owner may see, and nothing of the hash, the status or the version', async () => {
    const { email, tokens } = await register(test.http);
    const { headers, body } = await test.http.get('/users/me', { token: tokens.access_token });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      id: claimsOf(tokens.access_token)['sub'],
      email,
      name: null,
      roles: [],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it('changes its name, leaves it, and removes it with null', async () => {
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

  it('refuses to change anything else, and then changes nothing', async () => {
    const { tokens } = await register(test.http);
    for (const field of ['id', 'email', 'roles', 'status', 'ver', 'emailVerified', 'password', 'passwordHash']) {
      const options = { token: tokens.access_token, json: { name: 'Ada', [field]: 'x' } };
      const problem = await expectRefused(test, 'PATCH /users/me', options, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual([field]);
    }
  });

  it('is the caller’s own: nobody else’s changes with it', async () => {
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

  it('of a user who is gone is a session that has ended, by its id', async () => {
    const { email, tokens } = await register(test.http);
    await test.dataSource.query(`DELETE FROM users WHERE email = '${email}'`);
    for (const [method, json] of [['GET'], ['PATCH', { name: 'Ada' }]] as const) {
      const response = await test.http.send(method, '/users/me', { token: tokens.access_token, json });
      const { session_id } = expectProblem(response, 401, 'session_revoked');
      expect(session_id).toBe(tokens.session_id);
    }
  });
});
