import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { Database } from '../../src/database/database.js';
import { RevocationsService } from '../../src/revocations/revocations.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import type { TokenResponse } from '../support/http/http.js';
import { expectNeverStored, expectOAuthError, rotated } from '../support/app/oauth.js';
import { claimsOf, PASSWORD, refresh, register } from '../support/app/users.js';
import { expectProblem, stateOf } from '../support/http/problems.js';
import { sendRaw } from '../support/http/raw-http.js';

const SECRET = 'a-secret-of-the-tests-and-no-other';
/** Contains all characters that form encoding changes. */
const AWKWARD = 'a+secret/with=signs%20%2B:and&more;~!*';
const CLIENTS = `notes-api:${SECRET}, https//other.example:${AWKWARD}`;
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
const GOOD = basic('notes-api', SECRET);
const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);

describe('POST /oauth/introspect', () => {
  let test: TestApp;
  let tokens: TokenResponse;
  beforeAll(async () => {
    test = await createTestApp({ env: { INTROSPECTION_CLIENTS: CLIENTS } });
  });
  beforeEach(async () => {
    ({ tokens } = await register(test.http));
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => test.close());

  const ask = (form: Record<string, string>, authorization: string | undefined = GOOD) =>
    test.http.post('/oauth/introspect', { form, ...(authorization && { headers: { authorization } }) });
  const introspect = async (token: string, more: Record<string, string> = {}) => {
    const response = await ask({ token, ...more });
    expect(response.status).toBe(200);
    expectNeverStored(response);
    return response.body;
  };
  const acknowledged = async ({ session_id }: TokenResponse) => {
    await test.flush();
    const sql = 'SELECT generation, acknowledged_generation FROM sessions WHERE id = $1::uuid';
    const [row] = await test.app.get(Database).write<Record<string, number>>(sql, [session_id]);
    return [row!['generation'], row!['acknowledged_generation']];
  };

  it('returns the claims of an active access token', async () => {
    expect(await introspect(tokens.access_token)).toEqual({
      active: true,
      token_type: 'Bearer',
      ...claimsOf(tokens.access_token),
    });
    expect(Object.keys(claimsOf(tokens.access_token)).sort()).toEqual(
      ['aud', 'auth_time', 'client_id', 'exp', 'gen', 'iat', 'iss', 'jti', 'roles', 'sid', 'sub', 'ver'].sort(),
    );
  });

  it('returns the claims of an active refresh token, without a token_type', async () => {
    const { exp: end, ...claims } = claimsOf(tokens.refresh_token);
    const { exp, ...returned } = await introspect(tokens.refresh_token);
    expect(returned).toEqual({ active: true, ...claims });
    expect(exp).toBeLessThan(end as number);
  });

  it('returns the idle or absolute limit of the session as exp of a refresh token', async () => {
    const seconds = () => test.clock.now() / 1000;
    const begun = seconds();
    const day = 86_400;
    const { exp } = await introspect(tokens.refresh_token);
    expect(Math.abs((exp as number) - (begun + 7 * day))).toBeLessThan(60);
    test.clock.move(`${Math.floor(exp as number) - Math.ceil(seconds()) - 60}s`);
    expect((await introspect(tokens.refresh_token)).active).toBe(true);
    test.clock.move('61s');
    expect((await introspect(tokens.refresh_token)).active).toBe(false);

    ({ tokens } = await register(test.http));
    let { refresh_token } = tokens;
    for (let used = 0; used < 4; used++) {
      test.clock.move('6d');
      await refresh(test.http, refresh_token);
      await test.flush();
      test.clock.move('121s');
      ({ refresh_token } = (await refresh(test.http, refresh_token)).body);
    }
    expect((await introspect(refresh_token)).exp).toBe(claimsOf(refresh_token)['exp']);
  });

  it('reports a refresh token as active while POST /oauth/token would accept it', async () => {
    const seen: unknown[] = [];
    const look = async (...all: TokenResponse[]) => {
      const before = await stateOf(test);
      const responses = [];
      for (const { refresh_token } of all) responses.push((await introspect(refresh_token)).active);
      expect(await stateOf(test)).toEqual(before);
      seen.push(responses);
    };
    const [first, second] = (await rotated(test, tokens, 1)) as [TokenResponse, TokenResponse];
    test.clock.move('1h');
    // The second is not acknowledged yet: its response may have been lost.
    await look(first);
    await look(second);
    // Introspection acknowledges the second; the first is accepted only within the leeway.
    await test.flush();
    await look(first, second);
    test.clock.move('61s');
    await look(first, second);
    expect(seen).toEqual([[true], [true], [true, true], [false, true]]);
    expect((await refresh(test.http, second.refresh_token)).status).toBe(200);
  });

  it.each(['access_token', 'refresh_token', 'x', ''])('ignores token_type_hint %j', async (token_type_hint) => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect((await introspect(token, { token_type_hint, more: 'x' })).active).toBe(true);
    }
  });

  const outdate = async () => {
    const revocations = test.app.get(RevocationsService);
    const { sub } = claimsOf(tokens.access_token);
    await revocations.transaction((transaction) => transaction.outdateTokensOfUser(sub as string, 2 ** 31 - 1));
  };
  const logOut = () => test.http.post('/auth/logout', { token: tokens.access_token });

  it.each<[string, () => unknown, () => string]>([
    ['nonsense', () => {}, () => 'nonsense'],
    ['10 kB', () => {}, () => tokens.access_token.padEnd(10_240, 'A')],
    ['an access token with a changed signature', () => {}, () => `${tokens.access_token.slice(0, -6)}AAAAAA`],
    ['a refresh token with a changed signature', () => {}, () => `${tokens.refresh_token.slice(0, -6)}AAAAAA`],
    ['a session id', () => {}, () => tokens.session_id],
    ['an access token after logout', logOut, () => tokens.access_token],
    ['a refresh token after logout', logOut, () => tokens.refresh_token],
    [
      'an access token after a change of password',
      () => {
        const json = { currentPassword: PASSWORD, newPassword: 'quite another passphrase' };
        return test.http.post('/auth/password', { token: tokens.access_token, json });
      },
      () => tokens.access_token,
    ],
    ['an access token of roles that have changed', outdate, () => tokens.access_token],
    ['an access token that has expired', () => test.clock.move('901s'), () => tokens.access_token],
    ['a refresh token that was not used for too long', () => test.clock.move('8d'), () => tokens.refresh_token],
    ['a refresh token that has expired', () => test.clock.move('31d'), () => tokens.refresh_token],
  ])('returns {"active": false} and nothing else for %s', async (_, happens, token) => {
    await happens();
    expect(await introspect(token())).toEqual({ active: false });
  });

  it('reports a superseded refresh token as inactive, without revoking its session', async () => {
    const [first, , newest] = await rotated(test, tokens, 2);
    expect(await introspect(first!.refresh_token)).toEqual({ active: false });
    expect((await refresh(test.http, newest!.refresh_token)).status).toBe(200);
  });

  it.each(['access_token', 'refresh_token'] as const)(
    'acknowledges the generation of an active %s, as a guarded request does',
    async (kind) => {
      const [first, second] = (await rotated(test, tokens, 1)) as [TokenResponse, TokenResponse];
      expect(await acknowledged(second)).toEqual([2, 1]);
      await introspect(second[kind]);
      expect(await acknowledged(second)).toEqual([2, 2]);
      // A thief who uses the token at another service is detected.
      test.clock.move('61s');
      expect((await refresh(test.http, first.refresh_token)).body.code).toBe('refresh_token_reused');
    },
  );

  it('does not acknowledge the generation of an inactive token', async () => {
    const [, second] = (await rotated(test, tokens, 1)) as [TokenResponse, TokenResponse];
    test.clock.move('901s');
    await introspect(second.access_token);
    expect(await acknowledged(second)).toEqual([2, 1]);
  });

  it.each<[string, string]>([
    ['unencoded', basic('notes-api', SECRET)],
    ['of another client', basic('https//other.example', AWKWARD)],
    ['form-encoded', basic(encoded('https//other.example'), encoded(AWKWARD))],
    ['with the scheme in capitals', GOOD.replace('Basic', 'BASIC')],
  ])('accepts client credentials: %s', async (_, authorization) => {
    expect((await ask({ token: tokens.access_token }, authorization)).body.active).toBe(true);
  });

  it.each<[string, () => string | undefined]>([
    ['none', () => ''],
    ['an access token', () => `Bearer ${tokens.access_token}`],
    ['another secret', () => basic('notes-api', `${SECRET}x`)],
    ['the secret of another client', () => basic('notes-api', AWKWARD)],
    ['no secret', () => basic('notes-api', '')],
    ['an unknown id', () => basic('nobody', SECRET)],
    ['an id in capitals', () => basic('NOTES-API', SECRET)],
    ['a secret encoded twice', () => basic('https//other.example', encoded(encoded(AWKWARD)))],
    ['not in Base64', () => `Basic notes-api:${SECRET}`],
    ['empty', () => 'Basic '],
    ['a broken escape', () => basic('notes-api', '%zz')],
    ['two at once', () => `${GOOD}, ${GOOD}`],
  ])('refuses client credentials with invalid_client: %s', async (_, authorization) => {
    for (const token of [tokens.access_token, 'nonsense']) {
      expectOAuthError(await ask({ token }, authorization()), 401, 'invalid_client');
    }
    expectOAuthError(await ask({}, authorization()), 401, 'invalid_client');
  });

  it('ignores client credentials in the form', async () => {
    const form = { token: tokens.access_token, client_id: 'notes-api', client_secret: SECRET };
    expectOAuthError(await ask(form, ''), 401, 'invalid_client');
  });

  it('refuses two Authorization headers', async () => {
    const body = `token=${tokens.access_token}`;
    const head = ['POST /oauth/introspect HTTP/1.1', 'Host: a', 'Connection: close', `Content-Length: ${body.length}`];
    const lines = [...head, 'Content-Type: application/x-www-form-urlencoded'];
    const send = (...more: string[]) =>
      sendRaw(
        test.http.url,
        `${[...lines, ...more.map((one) => `Authorization: ${one}`)].join('\r\n')}\r\n\r\n${body}`,
      );
    expect((await send(GOOD)).status).toBe(200);
    for (const both of [[GOOD, GOOD], [GOOD, 'Basic x'], ['Basic x', GOOD]]) expect((await send(...both)).status).toBe(401); // prettier-ignore
  });

  it('refuses a malformed request with an OAuth error', async () => {
    const headers = { authorization: GOOD };
    expectOAuthError(await ask({}), 400, 'invalid_request');
    expectOAuthError(await ask({ token: '' }), 400, 'invalid_request');
    const token = tokens.access_token;
    expectOAuthError(await test.http.post('/oauth/introspect', { json: { token }, headers }), 400, 'invalid_request');
    const twice = {
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'token=a&token=b',
    };
    expectOAuthError(await test.http.post('/oauth/introspect', twice), 400, 'invalid_request');
  });

  it('responds with 503 instead of {"active": false} without the database', async () => {
    vi.spyOn(test.app.get(Database), 'read').mockRejectedValue(new Problem('database_unavailable'));
    const response = await ask({ token: tokens.refresh_token });
    vi.restoreAllMocks();
    expectProblem(response, 503, 'database_unavailable');
    expect(response.headers.get('retry-after')).toBe('2');
    expect((await introspect(tokens.refresh_token)).active).toBe(true);
  });

  it('is listed in the server metadata with its authentication method', async () => {
    expect((await test.http.get('/.well-known/oauth-authorization-server')).body).toMatchObject({
      introspection_endpoint: 'http://localhost:3000/oauth/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    });
  });
});

describe('POST /oauth/introspect without INTROSPECTION_CLIENTS', () => {
  it('refuses every client', async () => {
    const test = await createTestApp();
    const { tokens } = await register(test.http);
    for (const authorization of ['', GOOD, basic('', ''), basic('undefined', 'undefined'), 'Basic Og==']) {
      const headers: Record<string, string> = authorization ? { authorization } : {};
      const response = await test.http.post('/oauth/introspect', { form: { token: tokens.access_token }, headers });
      expectOAuthError(response, 401, 'invalid_client');
    }
    await test.close();
  });
});
