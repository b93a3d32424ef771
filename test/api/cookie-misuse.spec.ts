import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { AccessTokenService } from '../../src/tokens/access-token.service.js';
import { RefreshTokenService } from '../../src/tokens/refresh-token.service.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { Browser, comesDue, nameOf, setBy, signedIn } from '../support/cookie-jar.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/people.js';

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

/** As SQL would do it: there is no route for it yet. */
const disable = (accessToken: string) =>
  test.dataSource.query(`UPDATE users SET status = 'disabled' WHERE id = '${claimsOf(accessToken)['sub']}'`);

describe('another site', () => {
  it('cannot sign a browser in with a token of its own: a refresh token in a body brings no cookie, new or not', async () => {
    const { cookie, accessToken } = await signedIn(test.http);
    await comesDue(test, accessToken);
    // The second and third are answered with the successor again, whose holder nobody has proved to be.
    for (const how of [
      { form: { refresh_token: cookie } },
      { json: { refresh_token: cookie } },
      { form: { refresh_token: cookie } },
    ]) {
      const answer = await test.http.post<any>('/auth/refresh', { ...how, headers: EVIL });
      expect([answer.status, answer.headers.getSetCookie(), answer.body.refresh_token]).toEqual([200, [], undefined]);
      expect(claimsOf(answer.body.access_token)['gen']).toBe(2);
    }
  });

  it('is refused a cookie by its Origin too, where a browser says nothing else', async () => {
    const { email } = await register(test.http);
    for (const origin of ['https://evil.example', 'null', 'http://localhost:3001']) {
      const answer = await new Browser(test.http, { origin }).login(email);
      expect([answer.status, answer.body.code, answer.headers.getSetCookie()]).toEqual([403, 'cross_site_request', []]);
    }
    expect((await new Browser(test.http, {}).login(email)).status).toBe(200);
  });

  it('learns nothing about a password, and cannot end what it cannot see', async () => {
    const { browser, email, accessToken } = await signedIn(test.http);
    const wrong = await new Browser(test.http, EVIL).post('/auth/login', {
      email,
      password: 'wrong',
      delivery: 'cookie',
    });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'cross_site_request']);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
    // A request with cookies and nothing to say whose page it is from.
    const json = { email, password: PASSWORD, delivery: 'cookie' };
    const silent = await test.http.post('/auth/login', { json, headers: { cookie } });
    expect([silent.status, silent.body.code]).toEqual([403, 'cross_site_request']);
    expect((await whoami(accessToken)).status).toBe(200);
  });
});

describe('a cookie that somebody planted', () => {
  it('counts only under the name of its own session, and is thrown away under another', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    mine.browser.cookies.set(nameOf(mine.sessionId), other.cookie);
    const out = await mine.browser.post('/auth/logout', { session_id: mine.sessionId });
    expect([out.status, out.body.code]).toEqual([401, 'refresh_token_invalid']);
    expect((await whoami(other.accessToken)).status).toBe(200);
    mine.browser.cookies.set(nameOf(mine.sessionId), other.cookie);
    const answer = await mine.browser.post('/auth/refresh', { session_id: mine.sessionId });
    expect([answer.body.code, answer.body.terminal]).toEqual(['refresh_token_invalid', true]);
    expect(mine.browser.cookies.size).toBe(0);
  });

  it('is in nobody’s way, however many there are', async () => {
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

  it('has to look like one of ours', async () => {
    const { browser, cookie } = await signedIn(test.http);
    for (const name of ['latchkey-', 'latchkey-xyz', `latchkey-${'0'.repeat(13)}`, 'latchkey-ABCDEFABCDEF']) {
      browser.cookies.clear();
      browser.cookies.set(name, cookie);
      const answer = await browser.post('/auth/refresh');
      expect([answer.body.code, answer.headers.getSetCookie()]).toEqual(['refresh_token_missing', []]);
    }
  });
});

describe('the newest living session of a browser', () => {
  it('is none of a user who is not active', async () => {
    const [lives, disabled] = [await signedIn(test.http), await signedIn(test.http)];
    await disable(disabled.accessToken);
    expect((await together(lives, disabled).post('/auth/refresh')).body.session_id).toBe(lives.sessionId);
  });

  it('is none that has expired; where none lives, the newest says why', async () => {
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

  it('is found by the name of its session in capitals as well', async () => {
    const { browser, sessionId } = await signedIn(test.http);
    const named = { session_id: sessionId.toUpperCase() };
    expect((await browser.post('/auth/refresh', named)).body.session_id).toBe(sessionId);
    expect((await browser.post('/auth/logout', named)).status).toBe(204);
  });
});

describe('a sign-out with cookies', () => {
  it('is one by cookie where the access token has expired, and takes the cookie along as it was set', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    test.clock.move('20m');
    const answer = await browser.ask('POST', '/auth/logout', { token: accessToken });
    expect(answer.status).toBe(204);
    const attributes = { httpOnly: true, sameSite: 'strict', path: '/', maxAge: 0 };
    expect(setBy(answer)).toEqual([expect.objectContaining({ name: nameOf(sessionId), ...attributes })]);
  });

  it('ends the session of the access token and that of the same person’s cookie, and nobody else’s', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    const { access_token } = await login(test.http, mine.email);
    const jar = together(other, mine);
    expect((await jar.ask('POST', '/auth/logout', { token: access_token })).status).toBe(204);
    for (const token of [access_token, mine.accessToken]) expect((await whoami(token)).status).toBe(401);
    expect((await whoami(other.accessToken)).status).toBe(200);
    expect([...jar.cookies.keys()]).toEqual([nameOf(other.sessionId)]);
  });

  it('leaves the cookie alone where it comes from elsewhere: the access token speaks for itself', async () => {
    const { browser, email, accessToken } = await signedIn(test.http);
    const { access_token } = await login(test.http, email);
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
    const headers = { cookie, origin: 'https://evil.example' };
    expect((await test.http.post('/auth/logout', { token: access_token, headers })).status).toBe(204);
    expect((await whoami(accessToken)).status).toBe(200);
  });

  it('means the token in its body, where there is one; null is none', async () => {
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
  it('stay as they are when the answer cannot be made', async () => {
    const [mine, other] = [await signedIn(test.http), await signedIn(test.http)];
    await comesDue(test, mine.accessToken);
    const jar = together(mine, other);
    const broken = vi.spyOn(AccessTokenService.prototype, 'issue').mockImplementation(() => {
      throw new Error('no key');
    });
    const answers = [await jar.post('/auth/refresh', { session_id: mine.sessionId }), await jar.login(mine.email)];
    broken.mockRestore();
    expect(answers.map(({ status, headers }) => [status, headers.getSetCookie()])).toEqual([
      [500, []],
      [500, []],
    ]);
  });

  it('in another order than the sessions began do not get in the way of ending them all', async () => {
    const sessions = test.app.get(SessionsService);
    const tokens = test.app.get(RefreshTokenService);
    for (let round = 0; round < 8; round++) {
      const { email, tokens: first } = await register(test.http);
      const { sub, ver } = claimsOf(first.access_token) as { sub: string; ver: number };
      const jar = new Browser(test.http);
      const born = [];
      for (let i = 0; i < 30; i++) born.push((await sessions.signIn({ id: sub, tokenVersion: ver }, DEVICE))!);
      for (const { id, userId, rotatedAt, expiresAt } of born.toReversed()) {
        jar.cookies.set(nameOf(id), tokens.issue({ sessionId: id, userId, generation: 1, rotatedAt, expiresAt }));
      }
      const [signIn, endAll] = await Promise.all([
        jar.login(email),
        pause(5 + 2 * round).then(() => test.http.delete('/sessions', { token: first.access_token })),
      ]);
      expect([signIn.status, endAll.status]).toEqual([200, 204]);
    }
  });
});

const DEVICE = { ip: '', userAgent: '', delivery: 'cookie' } as const;
const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));
