import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { Database } from '../../src/database/database.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { BAD_BODIES } from '../support/forgeries/hostile.js';
import type { RequestOptions, TokenResponse } from '../support/http/http.js';
import { exchange, expectNeverStored, expectOAuthError, rotated } from '../support/app/oauth.js';
import { claimsOf, PASSWORD, refresh, register } from '../support/app/users.js';
import { expectProblem, stateOf } from '../support/http/problems.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

let test: TestApp;
let email: string;
let tokens: TokenResponse;
beforeAll(async () => {
  test = await createTestApp();
});
beforeEach(async () => {
  ({ email, tokens } = await register(test.http));
});
afterEach(() => void vi.restoreAllMocks());
afterAll(() => test.close());

describe('POST /oauth/token', () => {
  it('exchanges a refresh token for a token response that is not cacheable', async () => {
    const response = await exchange(test.http, tokens.refresh_token);
    expect(response.status).toBe(200);
    expectNeverStored(response);
    expect(response.headers.get('content-type')).toMatch(/^application\/json\b/);
    expect(response.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: tokens.refresh_token,
      refresh_expires_in: expect.closeTo(7 * 86_400, -2),
      session_id: tokens.session_id,
    });
    expect((await test.http.get('/auth/whoami', { token: response.body.access_token })).status).toBe(200);
  });

  it('shares the rotation rules of POST /auth/refresh: unchanged, rotated, resent', async () => {
    const generationOf = (body: TokenResponse) => claimsOf(body.refresh_token)['gen'] as number;
    expect((await exchange(test.http, tokens.refresh_token)).body.refresh_token).toBe(tokens.refresh_token);
    await test.flush();
    test.clock.move('121s');
    const lost = (await exchange(test.http, tokens.refresh_token)).body;
    expect(generationOf(lost)).toBe(2);
    test.clock.move('2h');
    expect((await refresh(test.http, tokens.refresh_token)).body.refresh_token).toBe(lost.refresh_token);
    expect((await exchange(test.http, tokens.refresh_token)).body.refresh_token).toBe(lost.refresh_token);
    // Rotations continue on either route.
    let newest: TokenResponse = lost;
    for (const next of [exchange, refresh, exchange]) {
      const generation = generationOf(newest);
      expect((await next(test.http, newest.refresh_token)).body.refresh_token).toBe(newest.refresh_token);
      await test.flush();
      test.clock.move('121s');
      newest = (await next(test.http, newest.refresh_token)).body;
      expect(generationOf(newest)).toBe(generation + 1);
    }
  });

  it('counts each request once as a refresh', async () => {
    const counted = async (outcome: string, code: string) => {
      const text = await (await fetch(`${test.http.url}/metrics`)).text();
      const line = `latchkey_refreshes_total{outcome="${outcome}",code="${code}"} `;
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.slice(line.length) ?? 0,
      );
    };
    const both = async () => [await counted('unchanged', ''), await counted('refused', 'refresh_token_invalid')];
    const [good, bad] = (await both()) as [number, number];
    await exchange(test.http, tokens.refresh_token);
    await exchange(test.http, 'nonsense');
    expect(await both()).toEqual([good + 1, bad + 1]);
  });

  it('shares one rotation with a parallel POST /auth/refresh', async () => {
    await test.http.get('/auth/whoami', { token: tokens.access_token });
    await test.flush();
    test.clock.move('121s');
    const both = [exchange(test.http, tokens.refresh_token), refresh(test.http, tokens.refresh_token)];
    const [one, two] = (await Promise.all(both)).map(({ body }) => body.refresh_token);
    expect(one).toBe(two);
    expect(claimsOf(one!)['gen']).toBe(2);
  });

  it('revokes the session when a rotated refresh token is replayed, and no other', async () => {
    const other = (await test.http.post<TokenResponse>('/auth/login', { json: { email, password: PASSWORD } })).body;
    const [first, , newest] = await rotated(test, tokens, 2);
    expectOAuthError(await exchange(test.http, first!.refresh_token), 400, 'invalid_grant');
    const use = await test.http.get('/auth/whoami', { token: newest!.access_token });
    expect(use.body.code).toBe('session_revoked');
    const again = await refresh(test.http, newest!.refresh_token);
    expect([again.body.code, again.body.reason]).toEqual(['session_revoked', 'reused']);
    expect((await exchange(test.http, other.refresh_token)).status).toBe(200);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['nonsense', () => 'nonsense'],
    ['10 kB', () => tokens.refresh_token.padEnd(10_240, 'A')],
    ['one with a changed signature', () => `${tokens.refresh_token.slice(0, -6)}AAAAAA`],
    ['an access token', () => tokens.access_token],
    [
      'one whose session was revoked',
      async () => {
        await test.http.post('/auth/logout', { token: tokens.access_token });
        return tokens.refresh_token;
      },
    ],
    [
      'one beyond its idle limit',
      () => {
        test.clock.move('8d');
        return tokens.refresh_token;
      },
    ],
    [
      'one that has expired',
      () => {
        test.clock.move('31d');
        return tokens.refresh_token;
      },
    ],
  ])('refuses with invalid_grant: %s', async (_, make) => {
    const token = await make();
    const before = await stateOf(test);
    expectOAuthError(await exchange(test.http, token), 400, 'invalid_grant');
    expect(await stateOf(test)).toEqual(before);
  });

  it.each<[string, string, Record<string, string>]>([
    ['no grant_type', 'invalid_request', { grant_type: '' }],
    ['another grant_type', 'unsupported_grant_type', { grant_type: 'password' }],
    ['a grant_type in capitals', 'unsupported_grant_type', { grant_type: 'REFRESH_TOKEN' }],
    ['no refresh_token', 'invalid_request', { refresh_token: '' }],
    ['a scope', 'invalid_scope', { scope: 'openid' }],
    ['another client_id', 'invalid_client', { client_id: 'another-client' }],
    ['a client_secret', 'invalid_client', { client_id: 'latchkey-spa', client_secret: 'x' }],
    ['a client_assertion', 'invalid_client', { client_assertion: 'x' }],
  ])('refuses %s with %s, and the refresh token stays valid', async (_, error, change) => {
    expectOAuthError(await exchange(test.http, tokens.refresh_token, change), 400, error);
    expect((await exchange(test.http, tokens.refresh_token)).status).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ['its own client_id', { client_id: 'latchkey-spa' }],
    ['unknown parameters', { resource: 'https://api.example.com', constructor: 'x', toString: 'x' }],
    ['empty parameters, which count as omitted', { scope: '', client_id: '', client_secret: '' }],
  ])('accepts %s', async (_, more) => {
    expect((await exchange(test.http, tokens.refresh_token, more)).status).toBe(200);
  });

  it('ignores parameters in the query', async () => {
    const query = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    expectOAuthError(await test.http.post(`/oauth/token?${query}`, { form: {} }), 400, 'invalid_request');
  });

  it('refuses a repeated parameter in form and query (HTTP parameter pollution)', async () => {
    const good = `grant_type=refresh_token&refresh_token=${tokens.refresh_token}`;
    for (const more of [
      'grant_type=refresh_token',
      `refresh_token=${tokens.refresh_token}`,
      'x=1&x=1',
      'scope=&scope=',
    ]) {
      const response = await test.http.post('/oauth/token', { headers: FORM, body: `${good}&${more}` });
      expectOAuthError(response, 400, 'invalid_request');
    }
    const twice = await test.http.post('/oauth/token?x=1&x=1', { headers: FORM, body: good });
    expectOAuthError(twice, 400, 'invalid_request');
  });

  it('refuses client credentials with 401 and a Basic challenge', async () => {
    for (const who of ['latchkey-spa:', 'latchkey-spa:secret', 'x:y', '']) {
      const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
      expectOAuthError(await test.http.post('/oauth/token', { form, headers: basic(who) }), 401, 'invalid_client');
    }
  });

  it('ignores an access token in the Authorization header', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    expect((await test.http.post('/oauth/token', { form, token: 'expired or worse' })).status).toBe(200);
  });
});

describe.each(['/oauth/token', '/oauth/revoke'])('POST %s', (path) => {
  const expectRefused = async (options: RequestOptions) => {
    const before = await stateOf(test);
    expectOAuthError(await test.http.post(path, options), 400, 'invalid_request');
    expect(await stateOf(test)).toEqual(before);
  };

  it.each(BAD_BODIES)('refuses %s with an OAuth error', async (_, { type, body }) => {
    await expectRefused({ body, headers: type === undefined ? {} : { 'content-type': type } });
  });

  it('refuses JSON, and an empty body', async () => {
    await expectRefused({ json: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, token: 'x' } });
    await expectRefused({});
    await expectRefused({ headers: FORM, body: '' });
    await expectRefused({ headers: FORM, body: '__proto__=x' });
  });

  it('responds with a 503 problem and Retry-After without the database', async () => {
    const database = test.app.get(Database);
    for (const way of ['read', 'write', 'transaction'] as const) {
      vi.spyOn(database, way).mockRejectedValue(new Problem('database_unavailable'));
    }
    const token = tokens.refresh_token;
    const response = await test.http.post(path, { form: { grant_type: 'refresh_token', refresh_token: token, token } });
    vi.restoreAllMocks();
    expectProblem(response, 503, 'database_unavailable');
    expect(response.headers.get('retry-after')).toBe('2');
    expect((await exchange(test.http, token)).status).toBe(200);
  });

  it('supports only POST', async () => {
    const response = await test.http.get(path);
    expectProblem(response, 405, 'method_not_allowed');
    expect(response.headers.get('allow')).toBe('POST');
  });
});
