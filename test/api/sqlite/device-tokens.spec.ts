import { createHmac, createSecretKey } from 'node:crypto';
import { parseSetCookie } from 'cookie';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceTokenService } from '../../../src/tokens/device-token.service.js';
import { TokenSigner } from '../../../src/tokens/token-signer.js';
import { createTestApp, TEST_SECRET, type TestApp } from '../../support/app/app.js';
import { expectLimited, from, limitedApp, signIn } from '../../support/app/limits.js';
import { claimsOf, PASSWORD, refresh, register } from '../../support/app/users.js';
import { ISSUER } from '../../support/forgeries/access-forgeries.js';
import {
  claimForgeries,
  HEADERS,
  signed,
  SPELLINGS,
  takeApart,
  timeForgeries,
  withClaims,
  withHeader,
  type Forgery,
  type Mint,
} from '../../support/forgeries/forge.js';
import { Browser, devicesSetBy, nameOf, setBy } from '../../support/http/cookie-jar.js';
import type { TokenResponse } from '../../support/http/http.js';
import { expectProblem } from '../../support/http/problems.js';

const CLAIMS: Forgery[] = [
  ...claimForgeries('iss', ['', 'https://attacker.example', [ISSUER], null]),
  ...claimForgeries('aud', [
    '',
    ISSUER,
    `${ISSUER}/auth/refresh`,
    `${ISSUER}/auth/device/`,
    [`${ISSUER}/auth/device`],
    null,
  ]),
  ...['sub', 'jti'].flatMap((claim) => claimForgeries(claim, ['', 'abc', 'a\u0000b', 1, null, ['a'], {}, true])),
  ...claimForgeries('acc', ['', 'abc', 1, null, ['a'], {}, true]),
  ...['iat', 'exp'].flatMap(timeForgeries),
  ['iat in the future', (mint) => withClaims(mint, { iat: Math.floor(Date.now() / 1000) + 600 })],
  ['exp in the past', (mint) => withClaims(mint, { exp: Math.floor(Date.now() / 1000) - 1 })],
  ['nbf in the future', (mint) => withClaims(mint, { nbf: Math.floor(Date.now() / 1000) + 600 })],
];
const WRONG = 'not the password at all';

describe('a device token', { timeout: 120_000 }, () => {
  let test: TestApp;
  let email: string;
  let tokens: TokenResponse;
  let mint: Mint;
  beforeAll(async () => {
    test = await limitedApp({
      RATE_LIMIT_OVERRIDES:
        'password-address=1000000/1s,token-address=1000000/1s,password-network=1000000/1s,token-network=1000000/1s',
    });
    ({ email, tokens } = await register(test.http));
    const { key } = test.app.get(DeviceTokenService)['keys'].signer;
    await signIn(test.http, '192.0.2.1', { email, password: WRONG });
    await test.dataSource.query('UPDATE password_throttles SET failures = 100');
    mint = takeApart(tokens.device_token!, (text) => createHmac('sha256', key).update(text).digest('base64url'));
  });
  afterAll(() => test.close());

  /** Whether a sign-in with the token has the budget of a known device: that of unknown ones is used up. */
  const isKnown = async (device_token: string) => {
    const response = await signIn(test.http, '192.0.2.1', { email, password: PASSWORD, device_token });
    if (response.status !== 200) expectProblem(response, 401, 'invalid_credentials');
    return response.status === 200;
  };

  it('has the documented header and claims, and no others', () => {
    expect(mint.header).toEqual({ alg: 'HS256', typ: 'device+jwt', kid: expect.stringMatching(/^[\w-]{8,}$/) });
    const { iat } = mint.payload as { iat: number };
    expect(mint.payload).toEqual({
      iss: ISSUER,
      aud: `${ISSUER}/auth/device`,
      sub: claimsOf(tokens.access_token)['sub'],
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      acc: expect.stringMatching(/^[\w-]{22}$/),
      iat: expect.any(Number),
      exp: iat + 400 * 86_400,
    });
    expect(JSON.stringify(mint.payload)).not.toContain(email.split('@')[0]);
  });

  it('makes a device known, also when its forger signs the original (control)', async () => {
    expect(await isKnown(tokens.device_token!)).toBe(true);
    expect(await isKnown(signed(mint, mint.header, mint.payload))).toBe(true);
  });

  it.each([...SPELLINGS, ...HEADERS, ...CLAIMS])('makes no device known with %s', async (_, forge) => {
    expect(await isKnown(forge(mint))).toBe(false);
  });

  it('makes no device known with a signature of another key, or of the secret itself', async () => {
    const { key } = test.app.get(TokenSigner)['refreshKey'];
    for (const other of [key, createSecretKey(Buffer.from(TEST_SECRET))]) {
      const sign = (text: string) => createHmac('sha256', other).update(text).digest('base64url');
      expect(await isKnown(signed({ ...mint, sign }, mint.header, mint.payload))).toBe(false);
    }
  });

  // CVE-2026-110862, CVE-2026-114607: kinds of tokens confused.
  it('is no other kind of token, and no other kind is one', async () => {
    const device = tokens.device_token!;
    expectProblem(await test.http.get('/auth/whoami', { token: device }), 401, 'access_token_invalid');
    for (const typ of ['device+jwt', 'refresh+jwt']) {
      expectProblem(await refresh(test.http, withHeader(mint, { typ })), 401, 'refresh_token_invalid');
    }
    expectProblem(
      await test.http.post('/auth/logout', { json: { refresh_token: device } }),
      401,
      'refresh_token_invalid',
    );
    const exchanged = await test.http.post('/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: device },
    });
    expect([exchanged.status, exchanged.body.error]).toEqual([400, 'invalid_grant']);
    expect((await test.http.post('/oauth/revoke', { form: { token: device } })).status).toBe(200);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    for (const other of [tokens.refresh_token, tokens.access_token]) expect(await isKnown(other)).toBe(false);
  });

  it('comes with registration, login and change of password, and with no refresh', async () => {
    const user = await register(test.http);
    const login = await signIn(test.http, '192.0.2.1', { email: user.email, password: PASSWORD });
    const changed = await test.http.post<TokenResponse>('/auth/password', {
      token: login.body.access_token,
      json: { currentPassword: PASSWORD, newPassword: `${PASSWORD}, new` },
    });
    const refreshed = await refresh(test.http, changed.body.refresh_token);
    const all = [user.tokens, login.body, changed.body, refreshed.body] as TokenResponse[];
    expect(all.map(({ device_token }) => typeof device_token)).toEqual(['string', 'string', 'string', 'undefined']);
  });

  it.each([null, 1, ['x'], {}, 'x'.repeat(4097)])('of a wrong type is a validation error: %j', async (device_token) => {
    const response = await signIn(test.http, '192.0.2.1', { email, password: PASSWORD, device_token });
    expect(expectProblem(response, 400, 'validation_failed').errors).toMatchObject([{ field: 'device_token' }]);
  });
});

describe('a device cookie', { timeout: 60_000 }, () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await limitedApp();
  });
  afterAll(() => test.close());

  const user = async () => {
    const { email, tokens } = await register(test.http);
    return { email, name: `latchkey-device-${String(claimsOf(tokens.access_token)['sub']).slice(-12)}` };
  };

  it('is set at a sign-in with cookie delivery, and never in JSON', async () => {
    const { email, name } = await user();
    const response = await new Browser(test.http).login(email);
    expect(response.body).not.toHaveProperty('device_token');
    expect(devicesSetBy(response)).toEqual([
      { name, value: expect.any(String), maxAge: 400 * 86_400, path: '/', httpOnly: true, sameSite: 'strict' },
    ]);
    expect(setBy(response).map((cookie) => cookie.name)).toEqual([nameOf(response.body.session_id)]);
  });

  it('makes the browser known to each of its users, also after a logout', async () => {
    test.clock.standStill(Date.now());
    const browser = new Browser(test.http);
    const users = [await user(), await user()];
    for (const { email } of users) await browser.login(email);
    await browser.post('/auth/logout');
    expect([browser.cookies.size, browser.deviceCookies.size]).toEqual([0, 2]);
    for (const { email } of users) {
      for (let i = 0; i < 6; i++) await signIn(test.http, '192.0.2.1', { email, password: WRONG });
      expectLimited(await signIn(test.http, '192.0.2.1', { email, password: PASSWORD }), 'password-account');
      expect((await browser.login(email)).status).toBe(200);
    }
  });

  it('is no refresh token, under any name', async () => {
    const browser = new Browser(test.http);
    const { email } = await user();
    const { body } = await browser.login(email);
    const [device] = [...browser.deviceCookies.values()] as [string];
    browser.cookies.clear();
    expectProblem(await browser.post('/auth/refresh'), 401, 'refresh_token_missing');
    browser.cookies.set(nameOf(body.session_id), device);
    expectProblem(await browser.post('/auth/refresh'), 401, 'refresh_token_invalid');
    expect(browser.deviceCookies.size).toBe(1);
  });

  it('is kept for five users of a browser: the oldest is cleared', async () => {
    const browser = new Browser(test.http);
    const users = [];
    for (let i = 0; i < 7; i++) {
      users.push(await user());
      await browser.login(users[i]!.email);
      test.clock.move('10s');
    }
    expect([...browser.deviceCookies.keys()].sort()).toEqual(
      users
        .slice(2)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('has the prefix __Host- where ISSUER is https', async () => {
    const secure = await createTestApp({ env: { ISSUER: 'https://auth.example.com' } });
    const { email } = await register(secure.http);
    const headers = { origin: 'https://auth.example.com' };
    const json = { email, password: PASSWORD, delivery: 'cookie' };
    const response = await secure.http.post('/auth/login', from('192.0.2.1', { json, headers }));
    await secure.close();
    const cookies = response.headers.getSetCookie().map((text) => parseSetCookie(text));
    expect(cookies).toMatchObject([
      { name: expect.stringMatching(/^__Host-latchkey-[0-9a-f]{12}$/), secure: true },
      { name: expect.stringMatching(/^__Host-latchkey-device-[0-9a-f]{12}$/), secure: true, path: '/', httpOnly: true },
    ]);
  });
});
