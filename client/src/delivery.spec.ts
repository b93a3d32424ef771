import { describe, expect, it } from 'vitest';
import { ADA, failure, GRACE, LATER, REFRESH, signedIn } from './testing/signed-in.js';

describe('cookie delivery', () => {
  const cookie = { delivery: 'cookie' } as const;

  it('keeps nothing where a script can read it but whose session it is', async () => {
    const { browser, server, session } = await signedIn(cookie);
    expect(server.calls[0]).toMatchObject({ body: { ...GRACE, delivery: 'cookie' }, cookies: expect.any(Map) });
    expect(browser.stored).toBe(`${session.id} grace`);
    expect([...browser.cookies.keys()]).toEqual([`__Host-latchkey-${session.id.slice(-12)}`]);
  });

  it('refreshes after a reload, naming its session and sending the cookies', async () => {
    const { browser, world, server, session, tab } = await signedIn(cookie);
    tab.kill();
    const reloaded = browser.openTab();
    expect((await world.until(reloaded.client.fetch('/me'))).status).toBe(200);
    const refresh = server.calls.find(({ route }) => route === REFRESH)!;
    expect([refresh.body, refresh.cookies?.size]).toEqual([{ session_id: session.id }, 1]);
    expect(server.calls.at(-1)!.cookies).toBeUndefined();
  });

  it('takes a cookie that the browser has lost for the end of the session', async () => {
    const { browser, world, tab, other } = await signedIn({ ...cookie, tabs: 2 });
    browser.cookies.clear();
    await world.pass(LATER);
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ code: 'refresh_token_missing' });
    await world.pass(10);
    const ended = [{ session: null, type: 'ended', code: 'refresh_token_missing' }];
    expect([tab.changes, other.changes, browser.stored]).toEqual([ended, ended, null]);
  });

  it('signs out by the cookie, and names the session', async () => {
    const { browser, world, server, tab, session } = await signedIn(cookie);
    await world.until(tab.client.logout());
    expect(server.calls.at(-1)).toMatchObject({ route: 'POST /auth/logout', body: { session_id: session.id } });
    expect([browser.cookies.size, browser.stored]).toEqual([0, null]);
  });

  it('keeps one session for each person who signed in, and refreshes that of the newest', async () => {
    const { browser, world, server, tab } = await signedIn(cookie);
    const ada = await world.until(tab.client.login(ADA));
    expect(browser.cookies.size).toBe(2);
    await world.pass(LATER);
    expect(await (await world.until(tab.client.fetch('/me'))).json()).toMatchObject({ userId: 'ada' });
    expect(server.calls.find(({ route }) => route === REFRESH)!.body).toEqual({ session_id: ada.id });
  });
});

describe('body delivery', () => {
  it('sends no cookies with a token: one left from the other delivery would be refused beside it', async () => {
    const { browser, world, server, tab } = await signedIn();
    browser.cookies.set('__Host-latchkey-000000000001', 'e30.e30.c2ln');
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.until(tab.client.logout());
    const auth = server.calls.filter(({ route }) => route.includes('/auth/'));
    expect(auth.map(({ cookies }) => cookies)).toEqual(auth.map(() => undefined));
  });
});
