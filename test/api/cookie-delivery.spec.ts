import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { Database } from '../../src/database/database.js';
import { UserChangesService } from '../../src/sessions/user-changes.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { Browser, comesDue, nameOf, OURS, setBy, signedIn } from '../support/http/cookie-jar.js';
import { claimsOf, login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';

const SPA = 'https://app.example.com';
let test: TestApp;
beforeAll(async () => {
  test = await createTestApp({ env: { CORS_ORIGINS: SPA } });
});
afterAll(() => test.close());

const whoami = (token: string) => test.http.get('/auth/whoami', { token });
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;
/** Refresh tokens anywhere in a response body. */
const refreshTokensIn = (body: unknown) =>
  (JSON.stringify(body ?? '').match(JWT) ?? []).filter((jwt) => claimsOf(jwt)['aud'].endsWith('/auth/refresh'));

describe('cookie delivery', () => {
  it('sets the refresh token as an HttpOnly, SameSite=Strict cookie of its session', async () => {
    const browser = new Browser(test.http);
    const response = await browser.register(someEmail());
    expect(response.status).toBe(201);
    const name = nameOf(response.body.session_id);
    expect(setBy(response)).toEqual([
      { name, value: expect.stringMatching(JWT), httpOnly: true, sameSite: 'strict', path: '/', maxAge: 30 * 86_400 },
    ]);
    expect(claimsOf(browser.cookies.get(name)!)).toMatchObject({ sid: response.body.session_id, gen: 1 });
    expect(response.body).not.toHaveProperty('refresh_token');
  });

  it('puts the refresh token into the JSON of no route', async () => {
    const { browser, email, sessionId, accessToken } = await signedIn(test.http);
    const responses = [await browser.login(email), await browser.post('/auth/refresh')];
    const token = responses[0]!.body.access_token as string;
    await comesDue(test, token);
    responses.push(await browser.post('/auth/refresh'));
    const [cookie] = [...browser.cookies.values()] as [string];
    const form = { grant_type: 'refresh_token', refresh_token: cookie };
    responses.push(await test.http.post('/oauth/token', { form }));
    responses.push(await test.http.post('/auth/refresh', { json: { refresh_token: cookie } }));
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    responses.push(await browser.ask('POST', '/auth/password', { json, token: responses[2]!.body.access_token }));
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
    for (const { body } of responses) expect([body.refresh_token, refreshTokensIn(body)]).toEqual([undefined, []]);
    expect([sessionId, accessToken].every(Boolean)).toBe(true);
  });

  it('sets no cookie for an unchanged token, so a late response restores no old one', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    const unchanged = await browser.post('/auth/refresh', { session_id: sessionId });
    expect([unchanged.status, unchanged.headers.getSetCookie()]).toEqual([200, []]);
    await comesDue(test, accessToken);
    const old = new Map(browser.cookies);
    const rotated = await browser.post('/auth/refresh', { session_id: sessionId });
    expect(setBy(rotated).map(({ name, maxAge }) => [name, maxAge])).toEqual([[nameOf(sessionId), 30 * 86_400 - 121]]);
    expect(claimsOf(browser.cookies.get(nameOf(sessionId))!)['gen']).toBe(2);
    // The response was lost: the client presents the old cookie again.
    for (const [name, value] of old) browser.cookies.set(name, value);
    const resent = await browser.post('/auth/refresh');
    expect(claimsOf(browser.cookies.get(nameOf(sessionId))!)['gen']).toBe(2);
    expect(setBy(resent)).toHaveLength(1);
  });

  it('replaces the cookie with that of the new session after a change of password', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    const { body } = await browser.ask('POST', '/auth/password', { json, token: accessToken });
    expect([...browser.cookies.keys()]).toEqual([nameOf(body.session_id)]);
    expect(body.session_id).not.toBe(sessionId);
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(body.session_id);
  });

  it('sets no cookie for a form, nor for body delivery', async () => {
    const { email } = await register(test.http);
    const page = { origin: OURS, 'sec-fetch-site': 'same-origin' };
    const form = await test.http.post('/auth/login', { form: { username: email, password: PASSWORD }, headers: page });
    expect([form.status, form.headers.getSetCookie()]).toEqual([200, []]);
    const askingForm = { username: email, password: PASSWORD, delivery: 'cookie' };
    expect((await test.http.post('/auth/login', { form: askingForm, headers: page })).status).toBe(400);
    const json = { email, password: PASSWORD, delivery: 'body' };
    const { headers, body } = await test.http.post('/auth/login', { json, headers: page });
    expect([headers.getSetCookie(), typeof body.refresh_token]).toEqual([[], 'string']);
    for (const delivery of ['Cookie', 'both', '', null, true]) {
      expect((await test.http.post('/auth/login', { json: { ...json, delivery } })).body.code).toBe(
        'validation_failed',
      );
    }
  });
});

describe('CSRF protection of a request with a cookie', () => {
  const ROUTES = ['/auth/refresh', '/auth/logout'];
  const PAGES: [string, Record<string, string>, boolean][] = [
    ['own origin', { origin: OURS }, true],
    ['an origin of CORS_ORIGINS', { origin: SPA, 'sec-fetch-site': 'same-site' }, true],
    ['no Origin, Sec-Fetch-Site: same-origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['cross-site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
    [
      'same-site, but not in CORS_ORIGINS',
      { origin: 'https://other.example.com', 'sec-fetch-site': 'same-site' },
      false,
    ],
    ['an origin that begins like the own one', { origin: `${OURS}.evil.example` }, false],
    ['another port', { origin: 'http://localhost:3001', 'sec-fetch-site': 'same-site' }, false],
    ['Origin: null', { origin: 'null', 'sec-fetch-site': 'same-origin' }, false],
    ['neither header', {}, false],
    ['no Origin, Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }, false],
    ['no Origin, Sec-Fetch-Site: none', { 'sec-fetch-site': 'none' }, false],
  ];

  it.each(PAGES)('decides by Origin and Sec-Fetch-Site, and a refusal changes nothing: %s', async (_, page, passes) => {
    for (const route of ROUTES) {
      const { browser, accessToken } = await signedIn(test.http);
      await comesDue(test, accessToken);
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
      const response = await test.http.post(route, { headers: { cookie, ...page }, json: {} });
      if (passes) expect(response.status).toBe(route === '/auth/refresh' ? 200 : 204);
      else {
        expect([response.status, response.body.code, response.body.terminal]).toEqual([
          403,
          'cross_site_request',
          false,
        ]);
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(claimsOf((await browser.post('/auth/refresh')).body.access_token)['gen']).toBe(2);
      }
    }
  });

  it('refuses a form from every origin', async () => {
    const { browser } = await signedIn(test.http);
    const response = await browser.ask('POST', '/auth/refresh', { form: {} });
    expect([response.status, response.body.code]).toEqual([403, 'cross_site_request']);
  });

  it('prevents login CSRF: a cross-site sign-in or registration gets no cookie', async () => {
    const { email } = await register(test.http);
    for (const page of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'cross-site', origin: SPA }]) {
      const other = new Browser(test.http, page);
      for (const response of [await other.login(email), await other.register(someEmail())]) {
        expect([response.status, response.body.code]).toEqual([403, 'cross_site_request']);
        expect(response.headers.getSetCookie()).toEqual([]);
      }
    }
    expect((await login(test.http, email)).refresh_token).toBeTypeOf('string');
  });

  it('refuses a second refresh token in the body as ambiguous', async () => {
    const { browser } = await signedIn(test.http);
    const { tokens } = await register(test.http);
    const { status, body } = await browser.post('/auth/refresh', { refresh_token: tokens.refresh_token });
    expect([status, body.code, body.terminal]).toEqual([400, 'refresh_token_ambiguous', false]);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    expect((await browser.post('/auth/refresh')).status).toBe(200);
  });

  it('responds refresh_token_missing, not terminal, without a cookie of the session', async () => {
    const { browser } = await signedIn(test.http);
    const { tokens } = await register(test.http);
    const named = await browser.post('/auth/refresh', { session_id: tokens.session_id });
    expect([named.status, named.body.code, named.body.terminal]).toEqual([401, 'refresh_token_missing', false]);
    const none = await new Browser(test.http).post('/auth/refresh', { session_id: tokens.session_id });
    expect([none.status, none.body.code]).toEqual([401, 'refresh_token_missing']);
    expect(browser.cookies.size).toBe(1);
  });
});

describe('a browser with several cookies', () => {
  /** One browser with the session cookies of several users, oldest first. */
  async function several(count: number) {
    const browser = new Browser(test.http);
    const sessions: { email: string; sessionId: string; accessToken: string }[] = [];
    for (let i = 0; i < count; i++) {
      const other = await signedIn(test.http);
      sessions.push(other);
      for (const [name, value] of other.browser.cookies) browser.cookies.set(name, value);
    }
    return { browser, sessions };
  }

  it('refreshes the session of session_id, or by default the newest active one', async () => {
    const { browser, sessions } = await several(3);
    const [first, second, third] = sessions as [(typeof sessions)[0], (typeof sessions)[0], (typeof sessions)[0]];
    expect((await browser.post('/auth/refresh', { session_id: first.sessionId })).body.session_id).toBe(
      first.sessionId,
    );
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(third.sessionId);
    await test.http.post('/auth/logout', { token: third.accessToken });
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(second.sessionId);
    browser.cookies.set(nameOf('ffffffffffff'), 'nonsense');
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(second.sessionId);
  });

  it('loses only the cookie of its session on a terminal error, and none otherwise', async () => {
    const { browser, sessions } = await several(3);
    const [first, second] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    await test.http.post('/auth/logout', { token: first.accessToken });
    const refused = await browser.post('/auth/refresh', { session_id: first.sessionId });
    expect([refused.body.code, refused.body.session_id]).toEqual(['session_revoked', first.sessionId]);
    expect(setBy(refused).map(({ name, maxAge }) => [name, maxAge])).toEqual([[nameOf(first.sessionId), 0]]);
    expect(browser.cookies.size).toBe(2);

    await test.http.post('/auth/logout', { token: second.accessToken });
    // A guard leaves the cookie, because the refresh that follows reports the reason.
    const guarded = await browser.ask('GET', '/auth/whoami', { token: second.accessToken });
    expect([guarded.body.code, guarded.headers.getSetCookie()]).toEqual(['session_revoked', []]);
    const why = await browser.post('/auth/refresh', { session_id: second.sessionId });
    expect([why.body.reason, setBy(why).map(({ name }) => name)]).toEqual(['logout', [nameOf(second.sessionId)]]);
    const missing = await browser.ask('GET', '/auth/whoami');
    const wrong = await browser.post('/auth/login', { email: someEmail(), password: PASSWORD });
    for (const response of [missing, wrong])
      expect([response.status, response.headers.getSetCookie()]).toEqual([401, []]);
    expect(browser.cookies.size).toBe(1);
  });

  it('keeps its cookie when an access token is outdated, and on a 503', async () => {
    const { browser, accessToken } = await signedIn(test.http);
    const { body: me } = await whoami(accessToken);
    await test.app.get(UserChangesService).applyChange(me.userId);
    const outdated = await browser.ask('GET', '/auth/whoami', { token: accessToken });
    expect([outdated.body.code, outdated.headers.getSetCookie()]).toEqual(['access_token_outdated', []]);
    const away = vi.spyOn(test.app.get(Database), 'write').mockRejectedValue(new Problem('database_unavailable'));
    const trouble = await browser.post('/auth/refresh');
    away.mockRestore();
    expect([trouble.status, trouble.headers.getSetCookie()]).toEqual([503, []]);
    expect((await browser.post('/auth/refresh')).status).toBe(200);
  });

  it('loses a malformed cookie when it is the only one', async () => {
    const browser = new Browser(test.http);
    browser.cookies.set(nameOf('ffffffffffff'), 'nonsense');
    const response = await browser.post('/auth/refresh');
    expect([response.body.code, response.body.terminal]).toEqual(['refresh_token_invalid', true]);
    expect(browser.cookies.size).toBe(0);
  });

  it('signs in: revokes its sessions of the user, clears the cookies of other users', async () => {
    const { browser, sessions } = await several(2);
    const [mine, other] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    const elsewhere = await login(test.http, mine.email);
    const { body } = await browser.login(mine.email);
    expect([...browser.cookies.keys()]).toEqual([nameOf(body.session_id)]);
    expect((await whoami(mine.accessToken)).body).toMatchObject({ code: 'session_revoked' });
    expect((await whoami(other.accessToken)).status).toBe(200);
    expect((await whoami(elsewhere.access_token)).status).toBe(200);
  });

  it('keeps its cookies after a failed sign-in, or one with body delivery', async () => {
    const { browser, sessions } = await several(2);
    const [mine] = sessions as [(typeof sessions)[0]];
    expect(
      (await browser.post('/auth/login', { email: mine.email, password: 'wrong', delivery: 'cookie' })).status,
    ).toBe(401);
    const inJson = await browser.post('/auth/login', { email: mine.email, password: PASSWORD });
    expect([inJson.status, inJson.headers.getSetCookie()]).toEqual([200, []]);
    expect((await whoami(mine.accessToken)).status).toBe(200);
    expect(browser.cookies.size).toBe(2);
  });

  it('signs out of the session of the access token or session_id, and loses its cookie', async () => {
    const { browser, sessions } = await several(3);
    const [first, second, third] = sessions as [(typeof sessions)[0], (typeof sessions)[0], (typeof sessions)[0]];
    const first_out = await browser.ask('POST', '/auth/logout', { token: first.accessToken });
    expect([first_out.status, setBy(first_out).map(({ name }) => name)]).toEqual([204, [nameOf(first.sessionId)]]);
    expect((await browser.post('/auth/logout', { session_id: second.sessionId })).status).toBe(204);
    expect((await whoami(second.accessToken)).body.code).toBe('session_revoked');
    expect((await whoami(third.accessToken)).status).toBe(200);
    expect([...browser.cookies.keys()]).toEqual([nameOf(third.sessionId)]);
  });

  it('works with a hundred cookies; sign-ins clear them within proxy header limits', async () => {
    const { browser, email } = await signedIn(test.http);
    for (let i = 0; i < 100; i++) browser.cookies.set(nameOf(String(i).padStart(12, '0')), 'x'.repeat(20));
    expect((await browser.post('/auth/refresh')).status).toBe(200);
    for (let i = 0; i < 6; i++) {
      const response = await browser.login(email);
      expect(response.status).toBe(200);
      expect([...response.headers].join().length).toBeLessThan(4096);
    }
    expect(browser.cookies.size).toBe(1);
  });
});

describe('a late refresh response', () => {
  it('of an old session does not change the cookie of a new sign-in', async () => {
    const { browser, email, sessionId, accessToken } = await signedIn(test.http);
    await comesDue(test, accessToken);
    const before = new Browser(test.http);
    for (const [name, value] of browser.cookies) before.cookies.set(name, value);
    const [late, { body }] = await Promise.all([
      before.post('/auth/refresh', { session_id: sessionId }),
      browser.login(email),
    ]);
    for (const { name, value = '', maxAge } of setBy(late)) {
      if (maxAge === 0) browser.cookies.delete(name);
      else browser.cookies.set(name, value);
    }
    expect((await browser.post('/auth/refresh', { session_id: body.session_id })).body.session_id).toBe(
      body.session_id,
    );
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(body.session_id);
  });
});
