import { describe, expect, it } from 'vitest';
import { ADA, failure, GRACE, LATER, REFRESH, signedIn } from './testing/signed-in.js';

describe('cookie delivery', () => {
  const cookie = { delivery: 'cookie' } as const;

  it('stores only the ids of session and user where scripts can read', async () => {
    const { browser, server, session } = await signedIn(cookie);
    expect(server.calls[0]).toMatchObject({ body: { ...GRACE, delivery: 'cookie' }, cookies: expect.any(Map) });
    expect(browser.stored).toBe(`${session.id} grace`);
    expect([...browser.cookies.keys()]).toEqual([`__Host-latchkey-${session.id.slice(-12)}`]);
  });

  it('refreshes after a reload by cookie, and names its session', async () => {
    const { browser, world, server, session, tab } = await signedIn(cookie);
    tab.kill();
    const reloaded = browser.openTab();
    expect((await world.until(reloaded.client.fetch('/me'))).status).toBe(200);
    const refresh = server.calls.find(({ route }) => route === REFRESH)!;
    expect([refresh.body, refresh.cookies?.size]).toEqual([{ session_id: session.id }, 1]);
    expect(server.calls.at(-1)!.cookies).toBeUndefined();
  });

  it('reports the session as over when the browser has lost the cookie', async () => {
    const { browser, world, tab, other } = await signedIn({ ...cookie, tabs: 2 });
    browser.cookies.clear();
    await world.pass(LATER);
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ code: 'refresh_token_missing' });
    await world.pass(10);
    const ended = [{ session: null, type: 'ended', code: 'refresh_token_missing' }];
    expect([tab.changes, other.changes, browser.stored]).toEqual([ended, ended, null]);
  });

  it('signs out by cookie, and names its session', async () => {
    const { browser, world, server, tab, session } = await signedIn(cookie);
    await world.until(tab.client.logout());
    expect(server.calls.at(-1)).toMatchObject({ route: 'POST /auth/logout', body: { session_id: session.id } });
    expect([browser.cookies.size, browser.stored]).toEqual([0, null]);
  });

  it('keeps one cookie per user, and refreshes the newest session', async () => {
    const { browser, world, server, tab } = await signedIn(cookie);
    const ada = await world.until(tab.client.login(ADA));
    expect(browser.cookies.size).toBe(2);
    await world.pass(LATER);
    expect(await (await world.until(tab.client.fetch('/me'))).json()).toMatchObject({ userId: 'ada' });
    expect(server.calls.find(({ route }) => route === REFRESH)!.body).toEqual({ session_id: ada.id });
  });
});

describe('body delivery', () => {
  it('sends no cookies: the server refuses a cookie together with a token', async () => {
    const { browser, world, server, tab } = await signedIn();
    browser.cookies.set('__Host-latchkey-000000000001', 'e30.e30.c2ln');
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.until(tab.client.logout());
    const auth = server.calls.filter(({ route }) => route.includes('/auth/'));
    expect(auth.map(({ cookies }) => cookies)).toEqual(auth.map(() => undefined));
  });
});
