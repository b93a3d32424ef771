import bcrypt from 'bcrypt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { holdNext } from '../support/app/barrier.js';
import type { RequestOptions } from '../support/http/http.js';
import { claimsOf, login, PASSWORD, register, someEmail } from '../support/app/users.js';
import { expectProblem, expectRefused, fieldsOf } from '../support/http/problems.js';
import { Rows } from '../support/database/rows.js';

let test: TestApp;
afterEach(() => {
  vi.restoreAllMocks();
});

const attempt = (options: RequestOptions, path: string = '/auth/login') => test.http.post(path, options);
const withPassword = (email: string, password: string) => attempt({ json: { email, password } });
const rows = new Rows(() => test);

describe('a sign-in', () => {
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  it('starts a new session each time, in a response that is not cacheable', async () => {
    const { email, tokens } = await register(test.http);
    const first = await withPassword(email, PASSWORD);
    const second = await login(test.http, email);
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('no-store');
    expect(Object.keys(first.body).sort()).toEqual(Object.keys(tokens).sort());
    const ids = [tokens.session_id, first.body.session_id, second.session_id];
    expect(new Set(ids).size).toBe(3);
    expect(await rows.activeSessions(email)).toEqual(ids.sort());
  });

  it('works from Swagger UI’s Authorize button', async () => {
    const { email } = await register(test.http);
    const { status, body } = await attempt({
      form: {
        grant_type: 'password',
        username: email,
        password: PASSWORD,
        scope: '',
        client_id: '',
        client_secret: '',
      },
      headers: { authorization: 'Basic Og==', 'x-requested-with': 'XMLHttpRequest' },
    });
    expect(status).toBe(200);
    expect((await test.http.get('/auth/whoami', { token: body.access_token })).status).toBe(200);
  });

  it.each(['application/x-www-form-urlencoded; charset=UTF-8', 'Application/X-WWW-Form-URLEncoded'])(
    'accepts a form of media type %s',
    async (type) => {
      const { email } = await register(test.http);
      const body = new URLSearchParams({ username: email, password: PASSWORD }).toString();
      expect((await attempt({ body, headers: { 'content-type': type } })).status).toBe(200);
    },
  );

  it('takes email in JSON and username in a form, and no other grant_type', async () => {
    const { email } = await register(test.http);
    const refusedFields = async (options: RequestOptions) =>
      fieldsOf(await expectRefused(test, 'POST /auth/login', options, 400, 'validation_failed'));
    const good = { username: email, password: PASSWORD };
    expect(await refusedFields({ json: good })).toEqual(['email', 'username']);
    expect(await refusedFields({ form: { email, password: PASSWORD } })).toEqual(['email', 'username']);
    expect(await refusedFields({ form: { ...good, grant_type: 'client_credentials' } })).toEqual(['grant_type']);
    expect(await refusedFields({ form: { ...good, roles: 'admin' } })).toEqual(['roles']);
  });

  it('has one message for an empty e-mail address: JSON, form and registration', async () => {
    const errorsOf = async (path: string, options: RequestOptions) =>
      expectProblem(await attempt(options, path), 400, 'validation_failed').errors;
    const message = 'E-mail address is required.';
    for (const empty of [{}, { email: '' }, { email: null }]) {
      const json = { ...empty, password: PASSWORD };
      expect(await errorsOf('/auth/login', { json })).toEqual([{ field: 'email', message }]);
      expect(await errorsOf('/auth/register', { json })).toEqual([{ field: 'email', message }]);
    }
    for (const empty of [{}, { username: '' }]) {
      const form = { ...empty, password: PASSWORD };
      expect(await errorsOf('/auth/login', { form })).toEqual([{ field: 'username', message }]);
    }
  });

  it('reads credentials only from the body, never from the URL', async () => {
    const { email } = await register(test.http);
    const query = `?${new URLSearchParams({ email, username: email, password: PASSWORD }).toString()}`;
    const refused = (options: RequestOptions, status: number, code: 'validation_failed' | 'invalid_credentials') =>
      expectRefused(test, `POST /auth/login${query}`, options, status, code);
    expect(fieldsOf(await refused({}, 400, 'validation_failed'))).toEqual(['email', 'password']);
    expect(fieldsOf(await refused({ json: { email } }, 400, 'validation_failed'))).toEqual(['password']);
    await refused({ json: { email, password: 'not the passphrase' } }, 401, 'invalid_credentials');
    await refused({ form: { username: email, password: 'not the passphrase' } }, 401, 'invalid_credentials');
    expect((await test.http.get(`/auth/login${query}`)).status).toBe(405);
  });

  it('finds the account by every equivalent spelling of the e-mail address', async () => {
    const name = `mike-${Date.now()}`;
    const { tokens } = await register(test.http, `${name}@bücher.example`);
    for (const email of [`MI\u212ae${name.slice(4)}@BU\u0308CHER.example`, `${name}@xn--bcher-kva.EXAMPLE`]) {
      expect(claimsOf((await login(test.http, email)).access_token)['sub']).toBe(claimsOf(tokens.access_token)['sub']);
    }
    for (const email of [`${name}@bucher.example`, `${name} @bücher.example`, `${name}+x@bücher.example`]) {
      expectProblem(await withPassword(email, PASSWORD), 401, 'invalid_credentials');
    }
  });

  it('compares the password after NFC, and otherwise exactly', async () => {
    const animals = '🐙🦑🐠🐡🦀🦞🐚🐳🐬🦭🦈🪼🐟🪸🐊🐢🦎🐍🐸🐝🐞'.repeat(3);
    const long = 'a passphrase of exactly seventy-two bytes, which is where bcrypt ends...';
    const cases = [
      [
        'Crème brûlée à volonté',
        ['crème brûlée à volonté', 'Crème brûlée à volonté ', ' Crème brûlée à volonté', 'Creme brulee a volonte'],
      ],
      [`${animals}🐙`, [`${animals}🦑`, animals, `${animals}🐙🐙`]],
      [`${long}y`, [`${long}z`, long]],
      ['before NUL \u0000 and after it', ['before NUL \u0000 and after', 'before NUL ', 'before NUL \u0000']],
      ['a replaced letter: \ufffd', ['a replaced letter: \ud800', 'a replaced letter: \udfff']],
    ] as const;
    for (const [password, others] of cases) {
      const { email } = await register(test.http, someEmail(), password);
      for (const form of ['NFC', 'NFD'] as const) {
        expect((await withPassword(email, password.normalize(form))).status).toBe(200);
      }
      for (const other of others) expectProblem(await withPassword(email, other), 401, 'invalid_credentials');
    }
  });

  it('prevents user enumeration: same response and work for every refusal', async () => {
    const [known, disabled] = [await register(test.http), await register(test.http)];
    await rows.disable(disabled.email);
    const compare = vi.spyOn(bcrypt, 'compare');
    const hash = vi.spyOn(bcrypt, 'hash');
    const responses = [];
    for (const credentials of [
      { email: known.email, password: 'not the passphrase' },
      { email: someEmail(), password: PASSWORD },
      { email: 'no address at all', password: PASSWORD },
      { email: disabled.email, password: PASSWORD },
      { email: known.email, password: 'half a character \ud800' },
    ]) {
      compare.mockClear();
      const { status, headers, body } = await attempt({ json: credentials });
      const { requestId, ...rest } = body;
      const kept = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
      responses.push(JSON.stringify([status, kept, rest]));
      expect(requestId).toBe(headers.get('x-request-id'));
      expect(rest.code).toBe('invalid_credentials');
      expect(compare).toHaveBeenCalledExactlyOnceWith(
        expect.stringMatching(/^[A-Za-z0-9+/]{64}$/),
        expect.stringMatching(/^\$2b\$04\$[./A-Za-z0-9]{53}$/),
      );
      // bcrypt rejects an invalid salt without any work.
      const salt = String(compare.mock.calls[0]![1]).slice(0, 29);
      expect((await bcrypt.hash('x', salt)).slice(0, 29)).toBe(salt);
    }
    expect(new Set(responses).size).toBe(1);
    expect(hash).toHaveBeenCalledTimes(5);
    expect(await rows.activeSessions(disabled.email)).toEqual([disabled.tokens.session_id]);
  });

  it('starts no session when a change of password overtakes it', async () => {
    const { email, tokens } = await register(test.http);
    const barrier = holdNext(test, 'verify');
    const slow = withPassword(email, PASSWORD);
    await barrier.reached;
    const changed = await test.http.post('/auth/password', {
      token: tokens.access_token,
      json: { currentPassword: PASSWORD, newPassword: 'another long passphrase' },
    });
    expect(changed.status).toBe(200);
    barrier.open();
    expectProblem(await slow, 401, 'invalid_credentials');
    expect(await rows.activeSessions(email)).toEqual([changed.body.session_id]);
  });

  it('starts no session when the user is disabled during it', async () => {
    const { email, tokens } = await register(test.http);
    const barrier = holdNext(test, 'verify');
    const slow = withPassword(email, PASSWORD);
    await barrier.reached;
    await rows.disable(email);
    barrier.open();
    expectProblem(await slow, 401, 'invalid_credentials');
    expect(await rows.activeSessions(email)).toEqual([tokens.session_id]);
  });

  it('accepts the same password after a year: passwords do not expire', async () => {
    const { email } = await register(test.http);
    test.clock.move('400d');
    expect((await withPassword(email, PASSWORD)).status).toBe(200);
  });
});
