import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { TokenSigner } from '../../src/tokens/token-signer.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { Browser, comesDue, nameOf, setBy, signedIn } from '../support/http/cookie-jar.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/app/users.js';

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

const whoami = (token: string) => test.http.get('/auth/whoami', { token });
const EVIL = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };

/** One browser with the cookies of all of these, in this order. */
function together(...all: { browser: Browser }[]): Browser {
  const jar = new Browser(test.http);
  for (const { browser } of all) for (const [name, value] of browser.cookies) jar.cookies.set(name, value);
  return jar;
}

const disable = (accessToken: string) =>
  test.dataSource.query(`UPDATE users SET status = 'disabled' WHERE id = '${claimsOf(accessToken)['sub']}'`);

describe('a cross-site request', () => {
  it('cannot sign a browser in: a refresh token in the body never sets a cookie (CSRF)', async () => {
    const { cookie, accessToken } = await signedIn(test.http);
    await comesDue(test, accessToken);
    // The second and third get the successor again, because it is not acknowledged.
    for (const how of [
      { form: { refresh_token: cookie } },
      { json: { refresh_token: cookie } },
      { form: { refresh_token: cookie } },
    ]) {
      const response = await test.http.post<any>('/auth/refresh', { ...how, headers: EVIL });
      expect([response.status, response.headers.getSetCookie(), response.body.refresh_token]).toEqual([
        200,
        [],
        undefined,
      ]);
      expect(claimsOf(response.body.access_token)['gen']).toBe(2);
    }
  });

  it('gets no cookie with an Origin and without Sec-Fetch-Site (login CSRF)', async () => {
    const { email } = await register(test.http);
    for (const origin of ['https://evil.example', 'null', 'http://localhost:3001']) {
      const response = await new Browser(test.http, { origin }).login(email);
      expect([response.status, response.body.code, response.headers.getSetCookie()]).toEqual([
        403,
        'cross_site_request',
        [],
      ]);
    }
    expect((await new Browser(test.http, {}).login(email)).status).toBe(200);
  });

  it('gets no cookie from another subdomain without an Origin (login CSRF)', async () => {
    const { email } = await register(test.http);
    const refusal = await new Browser(test.http, { 'sec-fetch-site': 'same-site' }).login(email);
    expect([refusal.status, refusal.body.code]).toEqual([403, 'cross_site_request']);
  });

  it('cannot test a password, and cannot revoke a session (CSRF)', async () => {
    const { browser, email, accessToken } = await signedIn(test.http);
    const wrong = await new Browser(test.http, EVIL).post('/auth/login', {
      email,
      password: 'wrong',
      delivery: 'cookie',
    });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'cross_site_request']);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
    // A request with cookies, but without Origin and Sec-Fetch-Site.
    const json = { email, password: PASSWORD, delivery: 'cookie' };
    const silent = await test.http.post('/auth/login', { json, headers: { cookie } });
    expect([silent.status, silent.body.code]).toEqual([403, 'cross_site_request']);
    expect((await whoami(accessToken)).status).toBe(200);
  });
});

describe('a planted cookie (session fixation)', () => {
  it('is accepted only under the name of its session, and cleared under another', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    mine.browser.cookies.set(nameOf(mine.sessionId), other.cookie);
    const out = await mine.browser.post('/auth/logout', { session_id: mine.sessionId });
    expect([out.status, out.body.code]).toEqual([401, 'refresh_token_invalid']);
    expect((await whoami(other.accessToken)).status).toBe(200);
    mine.browser.cookies.set(nameOf(mine.sessionId), other.cookie);
    const response = await mine.browser.post('/auth/refresh', { session_id: mine.sessionId });
    expect([response.body.code, response.body.terminal]).toEqual(['refresh_token_invalid', true]);
    expect(mine.browser.cookies.size).toBe(0);
  });

  it('does not hide the real cookie, even among 150 of them', async () => {
    const { browser, email, sessionId, accessToken } = await signedIn(test.http);
    const crowded = new Browser(test.http);
    for (let i = 0; i < 150; i++) crowded.cookies.set(nameOf(String(i).padStart(12, '0')), 'x'.repeat(20));
    for (const [name, value] of browser.cookies) crowded.cookies.set(name, value);
    for (const body of [{}, { session_id: sessionId }]) {
      expect((await crowded.post('/auth/refresh', body)).body.session_id).toBe(sessionId);
    }
    expect((await crowded.login(email)).status).toBe(200);
    expect((await whoami(accessToken)).body).toMatchObject({ code: 'session_revoked' });
  });

  it('is ignored under any other name', async () => {
    const { browser, cookie } = await signedIn(test.http);
    for (const name of ['latchkey-', 'latchkey-xyz', `latchkey-${'0'.repeat(13)}`, 'latchkey-ABCDEFABCDEF']) {
      browser.cookies.clear();
      browser.cookies.set(name, cookie);
      const response = await browser.post('/auth/refresh');
      expect([response.body.code, response.headers.getSetCookie()]).toEqual(['refresh_token_missing', []]);
    }
  });
});

describe('the default session of a browser with several cookies', () => {
  it('is not one of a disabled user', async () => {
    const [lives, disabled] = [await signedIn(test.http), await signedIn(test.http)];
    await disable(disabled.accessToken);
    expect((await together(lives, disabled).post('/auth/refresh')).body.session_id).toBe(lives.sessionId);
  });

  it('is an active one; without any, the newest reports the reason', async () => {
    const [first, second] = [await signedIn(test.http), await signedIn(test.http)];
    await test.http.post('/auth/logout', { token: second.accessToken });
    expect((await together(first, second).post('/auth/refresh')).body.session_id).toBe(first.sessionId);
    test.clock.move('8d');
    const jar = together(second, first);
    const refused = await jar.post('/auth/refresh');
    expect([refused.body.session_id, refused.body.reason]).toEqual([second.sessionId, 'logout']);
    const third = await signedIn(test.http);
    expect((await together(third, first).post('/auth/refresh')).body.session_id).toBe(third.sessionId);
  });

  it('is also found by a session_id in capitals', async () => {
    const { browser, sessionId } = await signedIn(test.http);
    const named = { session_id: sessionId.toUpperCase() };
    expect((await browser.post('/auth/refresh', named)).body.session_id).toBe(sessionId);
    expect((await browser.post('/auth/logout', named)).status).toBe(204);
  });
});

describe('a sign-out with cookies', () => {
  it('uses the cookie when the access token has expired, and clears the cookie', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    test.clock.move('20m');
    const response = await browser.ask('POST', '/auth/logout', { token: accessToken });
    expect(response.status).toBe(204);
    const attributes = { httpOnly: true, sameSite: 'strict', path: '/', maxAge: 0 };
    expect(setBy(response)).toEqual([expect.objectContaining({ name: nameOf(sessionId), ...attributes })]);
  });

  it('revokes only the sessions of the access token and of the same user’s cookie', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    const { access_token } = await login(test.http, mine.email);
    const jar = together(other, mine);
    expect((await jar.ask('POST', '/auth/logout', { token: access_token })).status).toBe(204);
    for (const token of [access_token, mine.accessToken]) expect((await whoami(token)).status).toBe(401);
    expect((await whoami(other.accessToken)).status).toBe(200);
    expect([...jar.cookies.keys()]).toEqual([nameOf(other.sessionId)]);
  });

  it('ignores a cross-site cookie and revokes the session of the access token', async () => {
    const { browser, email, accessToken } = await signedIn(test.http);
    const { access_token } = await login(test.http, email);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
    const headers = { cookie, origin: 'https://evil.example' };
    expect((await test.http.post('/auth/logout', { token: access_token, headers })).status).toBe(204);
    expect((await whoami(accessToken)).status).toBe(200);
    expect((await whoami(access_token)).status).toBe(401);
  });

  it('ignores a cross-site cookie also when the request names its session', async () => {
    const { browser, email, accessToken, sessionId } = await signedIn(test.http);
    const { access_token } = await login(test.http, email);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
    const headers = { cookie, origin: 'https://evil.example' };
    const json = { session_id: sessionId };
    expect((await test.http.post('/auth/logout', { token: access_token, headers, json })).status).toBe(204);
    expect((await whoami(access_token)).status).toBe(401);
    expect((await whoami(accessToken)).status).toBe(200);
    const withoutToken = await test.http.post('/auth/logout', { headers, json });
    expect([withoutToken.status, withoutToken.body.code]).toEqual([403, 'cross_site_request']);
  });

  it('uses the refresh token in the body before the cookie; null is invalid', async () => {
    const { browser, accessToken } = await signedIn(test.http);
    const { tokens } = await register(test.http);
    const out = await browser.post('/auth/logout', { refresh_token: tokens.refresh_token });
    expect([out.status, out.headers.getSetCookie()]).toEqual([204, []]);
    expect((await refresh(test.http, tokens.refresh_token)).body.code).toBe('session_revoked');
    expect((await whoami(accessToken)).status).toBe(200);
    const none = await browser.post('/auth/logout', { refresh_token: null });
    expect([none.status, none.body.code]).toEqual([400, 'validation_failed']);
  });
});

describe('cookies', () => {
  it('stay unchanged when the response fails with 500', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    await comesDue(test, mine.accessToken);
    const jar = together(mine, other);
    const broken = vi.spyOn(TokenSigner.prototype, 'accessToken').mockImplementation(() => {
      throw new Error('no key');
    });
    const responses = [await jar.post('/auth/refresh', { session_id: mine.sessionId }), await jar.login(mine.email)];
    broken.mockRestore();
    expect(responses.map(({ status, headers }) => [status, headers.getSetCookie()])).toEqual([
      [500, []],
      [500, []],
    ]);
  });

  it('in any order do not deadlock a sign-in with DELETE /sessions', async () => {
    const sessions = test.app.get(SessionsService);
    const tokens = test.app.get(TokenSigner);
    for (let round = 0; round < 8; round++) {
      const { email, tokens: first } = await register(test.http);
      const { sub, ver } = claimsOf(first.access_token) as { sub: string; ver: number };
      const jar = new Browser(test.http);
      const born = [];
      for (let i = 0; i < 30; i++) born.push((await sessions.signIn({ id: sub, tokenVersion: ver }, DEVICE, SIGN_IN))!);
      for (const { id, userId, rotatedAt, expiresAt } of born.toReversed()) {
        jar.cookies.set(
          nameOf(id),
          tokens.refreshToken({ sessionId: id, userId, generation: 1, rotatedAt, expiresAt }),
        );
      }
      const [signIn, revokeAll] = await Promise.all([
        jar.login(email),
        pause(5 + 2 * round).then(() => test.http.delete('/sessions', { token: first.access_token })),
      ]);
      expect([signIn.status, revokeAll.status]).toEqual([200, 204]);
    }
  });
});

const DEVICE = { ip: '', userAgent: '', delivery: 'cookie' } as const;
const SIGN_IN = { replaced: [], isKnownDevice: true };
const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));
