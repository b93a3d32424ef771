import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProblemCode } from '../../src/problem/catalogue.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { BAD_BODIES, INJECTIONS, NAMES_OF_EVERY_OBJECT, UNSTORABLE } from '../support/forgeries/hostile.js';
import type { RequestOptions, TokenResponse } from '../support/http/http.js';
import { expectOAuthError } from '../support/app/oauth.js';
import { PASSWORD, register, someEmail } from '../support/app/users.js';
import { expectRefused, fieldsOf, send } from '../support/http/problems.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const WITH_BODY = ['register', 'login', 'refresh', 'logout', 'password']
  .map((name) => `POST /auth/${name}`)
  .concat('PATCH /users/me');

let test: TestApp;
let email: string;
let token: string;
let tokens: TokenResponse;
const registerUser = async () => {
  ({ email, tokens } = await register(test.http));
  token = tokens.access_token;
};
const refused = (route: string, options: RequestOptions, status: number, code: ProblemCode) =>
  expectRefused(test, route, options, status, code);

/** A valid body for each route, whose fields the tests change, omit and add to. */
const goodBodies = (): Record<string, Record<string, string>> => ({
  'POST /auth/register': { email: someEmail(), password: PASSWORD, name: 'Ada' },
  'POST /auth/login': { email, password: PASSWORD },
  'POST /auth/refresh': { refresh_token: tokens.refresh_token },
  'POST /auth/logout': { refresh_token: tokens.refresh_token },
  'POST /auth/password': { currentPassword: PASSWORD, newPassword: 'another long passphrase' },
  'PATCH /users/me': { name: 'Ada' },
});

describe('a malformed body', () => {
  beforeAll(async () => {
    test = await createTestApp();
  });
  beforeEach(registerUser);
  afterAll(() => test.close());

  it.each(BAD_BODIES)('is refused by every route: %s', async (_, { type, body }, status, code) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    for (const route of WITH_BODY) {
      expect((await refused(route, { token, body, headers }, status, code)).terminal).toBe(false);
    }
  });

  it('is refused as a form on routes that accept only JSON', async () => {
    for (const route of WITH_BODY.filter((name) => !/login|refresh/.test(name))) {
      const problem = await refused(route, { token, form: goodBodies()[route]! }, 415, 'unsupported_media_type');
      expect(problem.terminal).toBe(false);
    }
  });

  it('is refused with a repeated parameter (HTTP parameter pollution)', async () => {
    for (const route of ['GET /health/live?a=1&a=2', 'DELETE /sessions?except=current&except=current', 'GET /?a&%61']) {
      expect((await refused(route, { token }, 400, 'repeated_parameter')).terminal).toBe(false);
    }
    const login = `username=${email}&password=${PASSWORD}&password=${PASSWORD}`;
    const refresh = `refresh_token=x&refresh_token=${tokens.refresh_token}`;
    await refused('POST /auth/login', { body: login, headers: FORM }, 400, 'repeated_parameter');
    await refused('POST /auth/refresh', { body: refresh, headers: FORM }, 400, 'repeated_parameter');
  });

  it('is refused as a form that is not UTF-8, instead of decoding it to U+FFFD', async () => {
    const password = `${PASSWORD}\ufffd`;
    const user = { email: someEmail(), password };
    expect((await test.http.post('/auth/register', { json: user })).status).toBe(201);
    const start = `username=${user.email}&password=${encodeURIComponent(PASSWORD)}`;
    const logIn = (end: string) => ({ body: Buffer.from(start + end, 'latin1'), headers: FORM });
    expect((await send(test.http, 'POST /auth/login', logIn('%EF%BF%BD'))).status).toBe(200);
    expect((await send(test.http, 'POST /auth/login', logIn('\xef\xbf\xbd'))).status).toBe(200);
    for (const end of [
      '%FF',
      '%ff',
      '\xff',
      '%C3',
      '\xc3%A9',
      '%C3\xa9',
      '%ED%A0%80',
      '%C0%80',
      '&%FF=x',
      '&x=%C3&%A9',
    ]) {
      await refused('POST /auth/login', logIn(end), 400, 'malformed_request');
    }
    const oauth = { body: 'grant_type=refresh_token&refresh_token=%FF', headers: FORM };
    expectOAuthError(await test.http.post('/oauth/token', oauth), 400, 'invalid_request');
    // Incomplete escapes and U+FEFF are taken literally.
    for (const end of ['%', '%f', '%zz', '%EF%BB%BF']) {
      await refused('POST /auth/login', logIn(`%EF%BF%BD${end}`), 401, 'invalid_credentials');
    }
  });

  it('is refused when it is empty JSON, unless the route needs no body', async () => {
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

  it.each(WITH_BODY)('is refused by %s, which names wrong, huge, missing and unknown fields', async (route) => {
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

  it.each(NAMES_OF_EVERY_OBJECT)('is refused with the unknown field %s (prototype pollution)', async (name) => {
    for (const [route, good] of Object.entries(goodBodies())) {
      const problem = await refused(route, { token, json: { ...good, [name]: 'x' } }, 400, 'validation_failed');
      expect(fieldsOf(problem)).toEqual([name]);
    }
    const form = { username: email, password: PASSWORD, [name]: 'x' };
    await refused('POST /auth/login', { form }, 400, 'validation_failed');
    await refused(`DELETE /sessions?${name}=x`, { token }, 400, 'validation_failed');
  });

  it('does no harm with SQL injections and unstorable text in any field', async () => {
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
