import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../src/problem/problem.js';
import { Database } from '../../src/database/database.js';
import { UserChangesService } from '../../src/sessions/user-changes.service.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { Browser, comesDue, nameOf, OURS, setBy, signedIn } from '../support/cookie-jar.js';
import { claimsOf, login, PASSWORD, refresh, register, someEmail } from '../support/people.js';

const SPA = 'https://app.example.com';
let test: TestApp;
beforeAll(async () => {
  test = await createTestApp({ env: { CORS_ORIGINS: SPA } });
});
afterAll(() => test.close());

const whoami = (token: string) => test.http.get('/auth/whoami', { token });
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;
/** Refresh tokens anywhere in an answer's body. */
const refreshTokensIn = (body: unknown) =>
  (JSON.stringify(body ?? '').match(JWT) ?? []).filter((jwt) => claimsOf(jwt)['aud'].endsWith('/auth/refresh'));

describe('cookie delivery', () => {
  it('puts the refresh token into a cookie of its session, out of reach of scripts and other sites, until it ends', async () => {
    const browser = new Browser(test.http);
    const answer = await browser.register(someEmail());
    expect(answer.status).toBe(201);
    const name = nameOf(answer.body.session_id);
    expect(setBy(answer)).toEqual([
      { name, value: expect.stringMatching(JWT), httpOnly: true, sameSite: 'strict', path: '/', maxAge: 30 * 86_400 },
    ]);
    expect(claimsOf(browser.cookies.get(name)!)).toMatchObject({ sid: answer.body.session_id, gen: 1 });
    expect(answer.body).not.toHaveProperty('refresh_token');
  });

  it('shows the refresh token in no JSON, by no route', async () => {
    const { browser, email, sessionId, accessToken } = await signedIn(test.http);
    const answers = [await browser.login(email), await browser.post('/auth/refresh')];
    const token = answers[0]!.body.access_token as string;
    await comesDue(test, token);
    answers.push(await browser.post('/auth/refresh'));
    const [cookie] = [...browser.cookies.values()] as [string];
    const form = { grant_type: 'refresh_token', refresh_token: cookie };
    answers.push(await test.http.post('/oauth/token', { form }));
    answers.push(await test.http.post('/auth/refresh', { json: { refresh_token: cookie } }));
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    answers.push(await browser.ask('POST', '/auth/password', { json, token: answers[2]!.body.access_token }));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    for (const { body } of answers) expect([body.refresh_token, refreshTokensIn(body)]).toEqual([undefined, []]);
    expect([sessionId, accessToken].every(Boolean)).toBe(true);
  });

  it('sets a cookie when the refresh token is new, and none when it is the same: a late answer must not put an old one back', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    const unchanged = await browser.post('/auth/refresh', { session_id: sessionId });
    expect([unchanged.status, unchanged.headers.getSetCookie()]).toEqual([200, []]);
    await comesDue(test, accessToken);
    const old = new Map(browser.cookies);
    const rotated = await browser.post('/auth/refresh', { session_id: sessionId });
    expect(setBy(rotated).map(({ name, maxAge }) => [name, maxAge])).toEqual([[nameOf(sessionId), 30 * 86_400 - 121]]);
    expect(claimsOf(browser.cookies.get(nameOf(sessionId))!)['gen']).toBe(2);
    // Its answer was lost: the same again.
    for (const [name, value] of old) browser.cookies.set(name, value);
    const resent = await browser.post('/auth/refresh');
    expect(claimsOf(browser.cookies.get(nameOf(sessionId))!)['gen']).toBe(2);
    expect(setBy(resent)).toHaveLength(1);
  });

  it('stays with its session over a change of the password; the old session’s cookie goes', async () => {
    const { browser, sessionId, accessToken } = await signedIn(test.http);
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    const { body } = await browser.ask('POST', '/auth/password', { json, token: accessToken });
    expect([...browser.cookies.keys()]).toEqual([nameOf(body.session_id)]);
    expect(body.session_id).not.toBe(sessionId);
    expect((await browser.post('/auth/refresh')).body.session_id).toBe(body.session_id);
  });

  it('is for JSON alone: a form sets no cookie, and body delivery sets none either', async () => {
    const { email } = await register(test.http);
    const page = { origin: OURS, 'sec-fetch-site': 'same-origin' };
    const form = await test.http.post('/auth/login', { form: { username: email, password: PASSWORD }, headers: page });
    expect([form.status, form.headers.getSetCookie()]).toEqual([200, []]);
    const asking = { username: email, password: PASSWORD, delivery: 'cookie' };
    expect((await test.http.post('/auth/login', { form: asking, headers: page })).status).toBe(400);
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

describe('a request that uses a cookie', () => {
  const ROUTES = ['/auth/refresh', '/auth/logout'];
  const PAGES: [string, Record<string, string>, boolean][] = [
    ['our own', { origin: OURS }, true],
    ['one of CORS_ORIGINS', { origin: SPA, 'sec-fetch-site': 'same-site' }, true],
    ['no Origin, and the browser says same-origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
    ['a sibling that is not listed', { origin: 'https://other.example.com', 'sec-fetch-site': 'same-site' }, false],
    ['an origin that begins as ours', { origin: `${OURS}.evil.example` }, false],
    ['another port', { origin: 'http://localhost:3001', 'sec-fetch-site': 'same-site' }, false],
    ['null', { origin: 'null', 'sec-fetch-site': 'same-origin' }, false],
    ['nothing said', {}, false],
    ['no Origin, and a sibling', { 'sec-fetch-site': 'same-site' }, false],
    ['no Origin, and typed in', { 'sec-fetch-site': 'none' }, false],
  ];

  it.each(PAGES)('passes by where it comes from, and changes nothing else: %s', async (_, page, passes) => {
    for (const route of ROUTES) {
      const { browser, accessToken } = await signedIn(test.http);
      await comesDue(test, accessToken);
      const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join();
      const answer = await test.http.post(route, { headers: { cookie, ...page }, json: {} });
      if (passes) expect(answer.status).toBe(route === '/auth/refresh' ? 200 : 204);
      else {
        expect([answer.status, answer.body.code, answer.body.terminal]).toEqual([403, 'cross_site_request', false]);
        expect(answer.headers.getSetCookie()).toEqual([]);
        expect(claimsOf((await browser.post('/auth/refresh')).body.access_token)['gen']).toBe(2);
      }
    }
  });

  it('is refused as a form, wherever it comes from', async () => {
    const { browser, sessionId } = await signedIn(test.http);
    const form = { session_id: sessionId };
    const answer = await browser.ask('POST', '/auth/refresh', { form });
    expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request']);
  });

  it('is no request for one: whoever the browser says is from another site cannot sign anybody in', async () => {
    const { email } = await register(test.http);
    for (const page of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'cross-site', origin: SPA }]) {
      const other = new Browser(test.http, page);
      for (const answer of [await other.login(email), await other.register(someEmail())]) {
        expect([answer.status, answer.body.code]).toEqual([403, 'cross_site_request']);
        expect(answer.headers.getSetCookie()).toEqual([]);
      }
    }
    expect((await login(test.http, email)).refresh_token).toBeTypeOf('string');
  });

  it('and has a refresh token in its body as well is refused: which of the two counts is not to be guessed', async () => {
    const { browser } = await signedIn(test.http);
    const { tokens } = await register(test.http);
    const { status, body } = await browser.post('/auth/refresh', { refresh_token: tokens.refresh_token });
    expect([status, body.code, body.terminal]).toEqual([400, 'refresh_token_ambiguous', false]);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    expect((await browser.post('/auth/refresh')).status).toBe(200);
  });

  it('finds no token where there is no cookie of the session it names: that is not terminal', async () => {
    const { browser } = await signedIn(test.http);
    const { tokens } = await register(test.http);
    const named = await browser.post('/auth/refresh', { session_id: tokens.session_id });
    expect([named.status, named.body.code, named.body.terminal]).toEqual([401, 'refresh_token_missing', false]);
    const none = await new Browser(test.http).post('/auth/refresh', { session_id: tokens.session_id });
    expect([none.status, none.body.code]).toEqual([401, 'refresh_token_missing']);
    expect(browser.cookies.size).toBe(1);
  });
});

describe('of several cookies', () => {
  /** One browser with the cookies of several people's sessions, oldest first. */
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

  it('the one that is named counts; without a name the newest that lives', async () => {
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

  it('a terminal answer takes its own along, and no other; any other answer takes none', async () => {
    const { browser, sessions } = await several(3);
    const [first, second] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    await test.http.post('/auth/logout', { token: first.accessToken });
    const ended = await browser.post('/auth/refresh', { session_id: first.sessionId });
    expect([ended.body.code, ended.body.session_id]).toEqual(['session_revoked', first.sessionId]);
    expect(setBy(ended).map(({ name, maxAge }) => [name, maxAge])).toEqual([[nameOf(first.sessionId), 0]]);
    expect(browser.cookies.size).toBe(2);

    await test.http.post('/auth/logout', { token: second.accessToken });
    // A guard does not know why, and the page will ask with the cookie.
    const guarded = await browser.ask('GET', '/auth/whoami', { token: second.accessToken });
    expect([guarded.body.code, guarded.headers.getSetCookie()]).toEqual(['session_revoked', []]);
    const why = await browser.post('/auth/refresh', { session_id: second.sessionId });
    expect([why.body.reason, setBy(why).map(({ name }) => name)]).toEqual(['logout', [nameOf(second.sessionId)]]);
    const missing = await browser.ask('GET', '/auth/whoami');
    const wrong = await browser.post('/auth/login', { email: someEmail(), password: PASSWORD });
    for (const answer of [missing, wrong]) expect([answer.status, answer.headers.getSetCookie()]).toEqual([401, []]);
    expect(browser.cookies.size).toBe(1);
  });

  it('none goes while the credentials are good: out of date, or the server in trouble', async () => {
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

  it('one that is no token of ours is thrown away where it is all there is', async () => {
    const browser = new Browser(test.http);
    browser.cookies.set(nameOf('ffffffffffff'), 'nonsense');
    const answer = await browser.post('/auth/refresh');
    expect([answer.body.code, answer.body.terminal]).toEqual(['refresh_token_invalid', true]);
    expect(browser.cookies.size).toBe(0);
  });

  it('signing in ends the sessions of the same person, and clears the cookies of all others without ending them', async () => {
    const { browser, sessions } = await several(2);
    const [mine, other] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    const elsewhere = await login(test.http, mine.email);
    const { body } = await browser.login(mine.email);
    expect([...browser.cookies.keys()]).toEqual([nameOf(body.session_id)]);
    expect((await whoami(mine.accessToken)).body).toMatchObject({ code: 'session_revoked' });
    expect((await whoami(other.accessToken)).status).toBe(200);
    expect((await whoami(elsewhere.access_token)).status).toBe(200);
  });

  it('signing in in vain, or for a refresh token in JSON, leaves them as they are', async () => {
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

  it('signing out ends that of the access token, or that which is named, and takes its cookie along', async () => {
    const { browser, sessions } = await several(3);
    const [first, second, third] = sessions as [(typeof sessions)[0], (typeof sessions)[0], (typeof sessions)[0]];
    const first_out = await browser.ask('POST', '/auth/logout', { token: first.accessToken });
    expect([first_out.status, setBy(first_out).map(({ name }) => name)]).toEqual([204, [nameOf(first.sessionId)]]);
    expect((await browser.post('/auth/logout', { session_id: second.sessionId })).status).toBe(204);
    expect((await whoami(second.accessToken)).body.code).toBe('session_revoked');
    expect((await whoami(third.accessToken)).status).toBe(200);
    expect([...browser.cookies.keys()]).toEqual([nameOf(third.sessionId)]);
  });

  it('a hundred make no trouble, and sign-ins clear as many at a time as a proxy lets through', async () => {
    const { browser, email } = await signedIn(test.http);
    for (let i = 0; i < 100; i++) browser.cookies.set(nameOf(String(i).padStart(12, '0')), 'x'.repeat(20));
    expect((await browser.post('/auth/refresh')).status).toBe(200);
    for (let i = 0; i < 6; i++) {
      const answer = await browser.login(email);
      expect(answer.status).toBe(200);
      expect([...answer.headers].join().length).toBeLessThan(4096);
    }
    expect(browser.cookies.size).toBe(1);
  });
});

describe('a late answer', () => {
  it('of one session touches no other: a refresh that was under way across a sign-in, or across a sign-out', async () => {
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
