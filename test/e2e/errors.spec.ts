import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProblemCode } from '../../src/common/problem/catalogue.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { BrokenModule } from '../support/broken-module.js';
import { BAD_BODIES, BAD_REQUESTS, INJECTIONS, NAMES_OF_EVERY_OBJECT, UNSTORABLE } from '../support/hostile.js';
import type { RequestOptions, TokenAnswer } from '../support/http.js';
import { PASSWORD, register, someEmail } from '../support/people.js';
import { expectProblem, expectRefused, expectSecurityHeaders, fieldsOf, send, stateOf } from '../support/problems.js';
import { sendRaw } from '../support/raw-http.js';

const ORIGIN = 'https://app.example.com';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const WITH_BODY = ['register', 'login', 'refresh', 'logout', 'password']
  .map((name) => `POST /auth/${name}`)
  .concat('PATCH /users/me');

let test: TestApp;
let email: string;
let token: string;
let tokens: TokenAnswer;
const start = async (env: Record<string, string> = {}) => {
  test = await createTestApp({ imports: [BrokenModule], env });
};
const newPerson = async () => {
  ({ email, tokens } = await register(test.http));
  token = tokens.access_token;
};
const refused = (route: string, options: RequestOptions, status: number, code: ProblemCode) =>
  expectRefused(test, route, options, status, code);

/** A body that each of these routes takes: for its fields to be left out, mistyped and added to. */
const goodBodies = (): Record<string, Record<string, string>> => ({
  'POST /auth/register': { email: someEmail(), password: PASSWORD, name: 'Ada' },
  'POST /auth/login': { email, password: PASSWORD },
  'POST /auth/refresh': { refresh_token: tokens.refresh_token },
  'POST /auth/logout': { refresh_token: tokens.refresh_token },
  'POST /auth/password': { currentPassword: PASSWORD, newPassword: 'another long passphrase' },
  'PATCH /users/me': { name: 'Ada' },
});

describe('whatever goes wrong with a body', () => {
  beforeAll(() => start());
  beforeEach(newPerson);
  afterAll(() => test.close());

  it.each(BAD_BODIES)('%s is refused by every route', async (_, { type, body }, status, code) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    for (const route of WITH_BODY) {
      expect((await refused(route, { token, body, headers }, status, code)).terminal).toBe(false);
    }
  });

  it('a form is refused where none is announced', async () => {
    for (const route of WITH_BODY.filter((name) => !/login|refresh/.test(name))) {
      const problem = await refused(route, { token, form: goodBodies()[route]! }, 415, 'unsupported_media_type');
      expect(problem.terminal).toBe(false);
    }
  });

  it('a parameter given twice is refused, in a query and in a form', async () => {
    for (const route of ['GET /health/live?a=1&a=2', 'DELETE /sessions?except=current&except=current', 'GET /?a&%61']) {
      expect((await refused(route, { token }, 400, 'repeated_parameter')).terminal).toBe(false);
    }
    const login = `username=${email}&password=${PASSWORD}&password=${PASSWORD}`;
    const refresh = `refresh_token=x&refresh_token=${tokens.refresh_token}`;
    await refused('POST /auth/login', { body: login, headers: FORM }, 400, 'repeated_parameter');
    await refused('POST /auth/refresh', { body: refresh, headers: FORM }, 400, 'repeated_parameter');
  });

  it('an empty body that says JSON is taken where none is wanted, and told what it lacks where one is', async () => {
    const empty = { token, body: '', headers: { 'content-type': 'application/json' } };
    const missing = { register: 'email password', login: 'email password', password: 'currentPassword newPassword' };
    for (const [route, fields] of Object.entries(missing)) {
      const problem = await refused(`POST /auth/${route}`, empty, 400, 'validation_failed');
      expect(fieldsOf(problem).join(' ')).toBe(fields);
    }
    await refused('POST /auth/refresh', empty, 401, 'refresh_token_missing');
    expect((await send(test.http, 'POST /auth/logout', empty)).status).toBe(204);
    await refused('GET /auth/whoami', { token }, 401, 'session_revoked');
  });

  it.each(WITH_BODY)('%s refuses a mistyped, a huge, a missing and an unknown field, and names it', async (route) => {
    const good = goodBodies()[route]!;
    const wrong = async (field: string, value: unknown) => {
      const problem = await refused(route, { token, json: { ...good, [field]: value } }, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual([field]);
    };
    for (const field of Object.keys(good)) {
      for (const value of [1, true, [], ['text'], {}, { $ne: '' }, 'x'.repeat(60_000)]) await wrong(field, value);
      if (/name|refresh_token/.test(field)) continue;
      for (const value of [undefined, null, '']) await wrong(field, value);
    }
    for (const field of ['more', 'roles', 'Email', 'email ', '', 'length', 'then', 'user.id']) await wrong(field, 'x');
  });

  it.each(NAMES_OF_EVERY_OBJECT)('a field called %s is unknown, in JSON, in a form and in a query', async (name) => {
    for (const [route, good] of Object.entries(goodBodies())) {
      const problem = await refused(route, { token, json: { ...good, [name]: 'x' } }, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual([name]);
    }
    const form = { username: email, password: PASSWORD, [name]: 'x' };
    await refused('POST /auth/login', { form }, 400, 'validation_failed');
    await refused(`DELETE /sessions?${name}=x`, { token }, 400, 'validation_failed');
  });

  it('hostile text does no harm in any input', async () => {
    const password = PASSWORD;
    for (const text of [...UNSTORABLE, ...INJECTIONS, '%00', '%2561', '${7*7}']) {
      const change = { currentPassword: text, newPassword: 'another long passphrase' };
      await refused('POST /auth/register', { json: { email: text, password } }, 400, 'validation_failed');
      await refused('POST /auth/login', { json: { email: text, password } }, 401, 'invalid_credentials');
      await refused('POST /auth/login', { form: { username: text, password } }, 401, 'invalid_credentials');
      await refused('POST /auth/login', { json: { email, password: text } }, 401, 'invalid_credentials');
      await refused('POST /auth/login', { json: { email, password: password + text } }, 401, 'invalid_credentials');
      await refused('POST /auth/refresh', { json: { refresh_token: text } }, 401, 'refresh_token_invalid');
      await refused('POST /auth/logout', { json: { refresh_token: text } }, 401, 'refresh_token_invalid');
      await refused('POST /auth/password', { token, json: change }, 403, 'current_password_wrong');
      const inPath = encodeURIComponent(text.toWellFormed());
      await refused(`DELETE /sessions/${inPath}`, { token }, 404, 'not_found');
      await refused(`DELETE /sessions/${tokens.session_id}${inPath}`, { token }, 404, 'not_found');
      await refused(`DELETE /sessions?except=${inPath}`, { token }, 400, 'validation_failed');
    }
    for (const text of UNSTORABLE) {
      await refused('PATCH /users/me', { token, json: { name: text } }, 400, 'validation_failed');
      await refused(
        'POST /auth/register',
        { json: { email: someEmail(), password, name: text } },
        400,
        'validation_failed',
      );
      await refused('POST /auth/register', { json: { email: `${text}@a.com`, password } }, 400, 'validation_failed');
      await refused('POST /auth/register', { json: { email: `"${text}"@a.com`, password } }, 400, 'validation_failed');
    }
    for (const half of UNSTORABLE.filter((text) => !text.isWellFormed())) {
      const json = { email: someEmail(), password: `${password}${half}` };
      await refused('POST /auth/register', { json }, 400, 'password_rejected');
      const change = { currentPassword: password, newPassword: json.password };
      await refused('POST /auth/password', { token, json: change }, 400, 'password_rejected');
    }
    for (const name of INJECTIONS) {
      expect((await test.http.patch('/users/me', { token, json: { name } })).body).toMatchObject({ email, name });
    }
  });
});

describe('whatever goes wrong with a request', () => {
  beforeAll(async () => {
    await start();
    await newPerson();
  });
  afterAll(() => test.close());

  it.each(BAD_REQUESTS)('%s is answered by the contract, with the headers of every answer', async (_, bytes, ...is) => {
    const before = await stateOf(test);
    const answer = await sendRaw(test.http.url, bytes);
    expectProblem(answer, ...is);
    expectSecurityHeaders(answer);
    expect(await stateOf(test)).toEqual(before);
    expect((await test.http.get('/health/live')).status).toBe(200);
  });

  it('an address that is none is not found, by any method', async () => {
    const addresses = ['/', '/nothing', '/.git/HEAD', '/auth', '/auth/login/', '/AUTH/login', '//', '/a%00b', '/a%2Fb'];
    for (const path of [...addresses, `/sessions/${tokens.session_id}/x`, `/users/${email}`, `/${'a'.repeat(8000)}`]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        expect((await refused(`${method} ${path}`, { token }, 404, 'not_found')).terminal).toBe(false);
      }
    }
  });

  it('an address that cannot be decoded, or is too long, is refused', async () => {
    for (const path of ['/%', '/%zz', '/sessions/%', '/sessions/%f0%28']) {
      expect((await refused(`DELETE ${path}`, { token }, 400, 'malformed_request')).terminal).toBe(false);
    }
    await refused(`DELETE /sessions/${'a'.repeat(5000)}`, { token }, 414, 'uri_too_long');
  });

  it('a wrong method is refused, and the right ones are named', async () => {
    const allow = {
      'GET /auth/login': 'POST',
      'PUT /auth/login': 'POST',
      'OPTIONS /auth/login': 'POST',
      'POST /auth/whoami': 'GET, HEAD',
      'PUT /sessions': 'DELETE, GET, HEAD',
      'GET /sessions/x?y=1': 'DELETE',
      'DELETE /users/me': 'GET, HEAD, PATCH',
      'POST /health/live': 'GET, HEAD',
    };
    for (const [route, methods] of Object.entries(allow)) {
      await refused(route, { token }, 405, 'method_not_allowed');
      expect((await send(test.http, route)).headers.get('allow')).toBe(methods);
    }
  });

  it('HEAD says what GET says, without a body', async () => {
    for (const [path, options] of [
      ['/health/live', {}],
      ['/users/me', { token }],
      ['/users/me', {}],
      ['/x', {}],
    ] as const) {
      const [head, get] = [await test.http.send('HEAD', path, options), await test.http.get(path, options)];
      expect(head.status).toBe(get.status);
      expect(head.body).toBeUndefined();
      for (const name of ['content-type', 'cache-control', 'www-authenticate']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
    }
  });

  it.each(['GET /broken/error', 'GET /broken/rejection', 'GET /broken/nothing'])(
    'a bug is an internal error that shows nothing, and the process lives on: %s',
    async (route) => {
      const problem = await refused(route, {}, 500, 'internal_error');
      expect(JSON.stringify(problem)).not.toMatch(/secret/i);
      expect((await test.http.get('/users/me', { token })).status).toBe(200);
    },
  );

  it.each([
    [200, 'GET /health/live'],
    [400, 'POST /auth/login'],
    [400, 'DELETE /sessions/%'],
    [401, 'GET /users/me'],
    [404, 'GET /nothing'],
    [405, 'PUT /auth/login'],
    [414, `DELETE /sessions/${'a'.repeat(101)}`],
    [500, 'GET /broken/error'],
  ])('an answer of status %i has the security headers', async (status, route) => {
    const answer = await send(test.http, route);
    expect(answer.status).toBe(status);
    expectSecurityHeaders(answer);
  });

  it('without CORS_ORIGINS no origin is let in', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'POST' };
    for (const route of ['GET /health/live', 'GET /users/me', 'OPTIONS /auth/login']) {
      const answer = await send(test.http, route, { headers });
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('with CORS_ORIGINS', () => {
  beforeAll(() => start({ CORS_ORIGINS: `${ORIGIN}, http://localhost:5173` }));
  afterAll(() => test.close());

  const from = (origin: string, route: string, headers: Record<string, string> = {}) =>
    send(test.http, route, { headers: { origin, ...headers } });
  const ask = {
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'authorization,content-type',
  };

  it.each(['GET /health/live', 'GET /users/me', 'GET /nothing', 'POST /auth/login', 'GET /broken/error'])(
    'a listed origin may read the answer: %s',
    async (route) => {
      const { headers } = await from(ORIGIN, route);
      expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(headers.get('vary')).toMatch(/\borigin\b/i);
      expect(headers.get('access-control-expose-headers')).toMatch(/retry-after/i);
      expect((await from('http://localhost:5173', route)).headers.get('access-control-allow-origin')).toBe(
        'http://localhost:5173',
      );
    },
  );

  it('a listed origin may send what the API takes', async () => {
    const { status, headers } = await from(ORIGIN, 'OPTIONS /users/me', ask);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(headers.get('access-control-allow-methods')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'PATCH', 'POST']);
    expect(headers.get('access-control-allow-headers')?.toLowerCase()).toBe('authorization, content-type');
  });

  it.each([
    'null',
    '*',
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'https://APP.example.com',
    `${ORIGIN}/`,
    `${ORIGIN}, https://evil.example`,
  ])('another origin is let in nowhere: %s', async (origin) => {
    for (const route of ['GET /health/live', 'GET /users/me', 'OPTIONS /users/me']) {
      const { headers } = await from(origin, route, ask);
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toMatch(/\borigin\b/i);
    }
  });
});
