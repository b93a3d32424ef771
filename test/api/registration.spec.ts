import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import type { HttpResponse, ProblemBody, TokenResponse } from '../support/http/http.js';
import { claimsOf, login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import { expectProblem, expectRefused, fieldsOf, stateOf } from '../support/http/problems.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

describe('a registration', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const post = (json: object) => test.http.post<TokenResponse & ProblemBody>('/auth/register', { json });
  const refused = (json: object, code: 'validation_failed' | 'password_rejected') =>
    expectRefused(test, 'POST /auth/register', { json }, 400, code);
  const users = async (): Promise<{ id: string; email: string; roles: string; status: string; ver: number }[]> =>
    test.dataSource.query('SELECT id, email, roles, status, ver FROM users ORDER BY id');

  it('creates the first account: there are no default accounts', async () => {
    expect(await users()).toEqual([]);
  });

  it('signs in, with a token response that is not cacheable', async () => {
    const { status, headers, body } = await post({ email: someEmail(), password: PASSWORD });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_expires_in: expect.any(Number),
      session_id: expect.stringMatching(UUID_V7),
      device_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    expect(7 * 86_400 - body.refresh_expires_in).toBeLessThan(10);
    expect((await test.http.get('/auth/whoami', { token: body.access_token })).status).toBe(200);
    expect((await refresh(test.http, body.refresh_token)).status).toBe(200);
  });

  it('creates an active user without roles, with UUID version 7 ids', async () => {
    const { email, tokens } = await register(test.http);
    const [user] = (await users()).filter((row) => row.email === email);
    expect(user).toMatchObject({ id: expect.stringMatching(UUID_V7), roles: '[]', status: 'active' });
    expect(claimsOf(tokens.access_token)).toMatchObject({ sub: user!.id, roles: [], sid: tokens.session_id });
  });

  it('puts no e-mail address, name or hash into a token', async () => {
    const email = someEmail();
    const { body } = await post({ email, password: PASSWORD, name: 'Ada Lovelace' });
    for (const token of [body.access_token, body.refresh_token]) {
      expect(JSON.stringify(claimsOf(token))).not.toMatch(/@|Ada|\$2b|hs384/);
    }
  });

  it('creates one user for 20 parallel registrations of equivalent addresses', async () => {
    const locals = ['kéz', 'KÉZ', 'ke\u0301z', 'KE\u0301Z', '\u212aéz'];
    const domains = ['bücher.example', 'xn--bcher-kva.example', 'BU\u0308CHER.EXAMPLE', 'XN--BCHER-KVA.example'];
    const spellings = locals.flatMap((local) => domains.map((domain) => `${local}@${domain}`));
    expect(new Set(spellings).size).toBe(20);
    const before = await users();

    const responses: HttpResponse<TokenResponse & ProblemBody>[] = await Promise.all(
      spellings.map((email) => post({ email, password: PASSWORD })),
    );
    const [winner, ...others] = responses.sort((a, b) => a.status - b.status);
    expect(winner!.status).toBe(201);
    for (const response of others) expectProblem(response, 409, 'email_taken');
    expect(await users()).toHaveLength(before.length + 1);
    for (const email of spellings) {
      expect(claimsOf((await login(test.http, email)).access_token)['sub']).toBe(
        claimsOf(winner!.body.access_token)['sub'],
      );
    }
  });

  it('stores the e-mail address as written', async () => {
    const { tokens } = await register(test.http, 'Ada.Lovelace+Test@EXAMPLE.com');
    expect((await test.http.get('/users/me', { token: tokens.access_token })).body).toMatchObject({
      email: 'Ada.Lovelace+Test@example.com',
    });
  });

  it('is refused for a taken e-mail address, and changes nothing', async () => {
    const { email, tokens } = await register(test.http);
    const before = await stateOf(test);
    expectProblem(
      await post({ email: email.toUpperCase(), password: 'another user’s passphrase' }),
      409,
      'email_taken',
    );
    expect(await stateOf(test)).toEqual(before);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    await login(test.http, email);
  });

  it('is rolled back when the session fails, and the address stays free', async () => {
    const email = someEmail();
    const before = await stateOf(test);
    vi.spyOn(test.app.get(SessionsService), 'start').mockRejectedValueOnce(new Error('lost in the middle'));
    expectProblem(await post({ email, password: PASSWORD }), 500, 'internal_error');
    expect(await stateOf(test)).toEqual(before);
    await register(test.http, email);
  });

  it.each([
    'user',
    'user@localhost',
    ' user@example.com',
    'Ada <ada@example.com>',
    'a@b@example.com',
    'user@example.com/path',
    'user@%65xample.com',
    '"a\r\nBcc: victim@example.org"@example.com',
    'us\u200ber@example.com',
  ])('refuses the e-mail address %j', async (email) => {
    expect(fieldsOf(await refused({ email, password: PASSWORD }, 'validation_failed'))).toEqual(['email']);
  });

  describe('with a password', () => {
    const email = 'Grace.Hopper@navy.example';
    const name = 'Grace Brewster Hopper';

    it.each([
      ['14 characters', 'x1y2z3x1y2z3x1'],
      ['14 emoji: 28 UTF-16 units', '🐙'.repeat(14)],
      ['14 letters in two pieces: 28 code points before NFC', 'e\u0301'.repeat(14)],
      ['the e-mail address in capitals', email.toUpperCase()],
      ['the name with other case and punctuation', 'grace-BREWSTER-hopper!'],
      ['the product name', 'Latchkey Latchkey'],
      ['a common password', 'passwordpassword'],
      ['a row of the keyboard', 'qwertzuiopasdfgh'],
      ['64 times the same', '🐙'.repeat(64)],
      ['the name and little more', 'Hopper1Hopper1Hopper1'],
    ])('of %s is refused with the reason', async (_, password) => {
      const problem = await refused({ email, name, password }, 'password_rejected');
      expect(problem.errors).toEqual([
        { field: 'password', message: expect.stringMatching(/^(The password is|Too easy to guess:) .{10,}\.$/) },
      ]);
      expect(JSON.stringify(problem)).not.toContain(password);
    });

    it.each([
      'hgmdsapziuktrew',
      '926415903827164',
      '🐙🦑🐠🐡🦀🦞🐚🐳🐬🦭🦈🪼🐟🪸🐊',
      '?§*&!(#"=$)/%`+',
      'пароль-密码!-كلمة',
    ])('of 15 characters of any kind succeeds: %s', async (password) => {
      const { email: address, tokens } = await register(test.http, someEmail(), password);
      expect((await login(test.http, address, password)).session_id).not.toBe(tokens.session_id);
    });

    it('keeps its spaces, at both ends and inside', async () => {
      const password = '  two  blanks each  ';
      const { email: address } = await register(test.http, someEmail(), password);
      await login(test.http, address, password);
      for (const other of [password.trim(), password.replaceAll('  ', ' '), `${password} `]) {
        const { status } = await test.http.post('/auth/login', { json: { email: address, password: other } });
        expect(status).toBe(401);
      }
    });
  });

  it('refuses a blank, too long or control-character name', async () => {
    const controls = [
      'Ada\r\nBcc: victim@example.org',
      'Ada\u0000',
      'Ada\u0085',
      'Ada\u007f',
      'Ada\u2028',
      'Ada\ud800',
    ];
    for (const name of ['', '   ', ...controls, 'x'.repeat(101), '🐙'.repeat(101), 'x\ufe0f'.repeat(100)]) {
      const problem = await refused({ email: someEmail(), password: PASSWORD, name }, 'validation_failed');
      expect({ name, fields: fieldsOf(problem) }).toEqual({ name, fields: ['name'] });
    }
  });

  it('stores any other name unchanged', async () => {
    for (const name of ['x'.repeat(100), '🐙'.repeat(100), '<b>Ada</b> "Countess" O’Lovelace', ' 李 ', null]) {
      const { status, body } = await post({ email: someEmail(), password: PASSWORD, name });
      expect(status).toBe(201);
      expect((await test.http.get('/users/me', { token: body.access_token })).body).toMatchObject({ name });
    }
  });

  it('refuses any other field (mass assignment)', async () => {
    const fields = ['roles', 'id', 'status', 'ver', 'emailVerified', 'passwordHash', 'password_hash', 'createdAt'];
    for (const [field, value] of fields.flatMap((field) => ['admin', ['admin'], true].map((value) => [field, value]))) {
      const json = { email: someEmail(), password: PASSWORD, [String(field)]: value };
      expect(fieldsOf(await refused(json, 'validation_failed'))).toEqual([field]);
    }
  });
});
