import { describe, expect, it } from 'vitest';
import { refusal } from './testing/fake-server.js';
import { ADA, failure, GRACE, LATER, later, REFRESH, signedIn } from './testing/signed-in.js';
import type { Tab } from './testing/fake-browser.js';

const PASSWORDS = { currentPassword: 'good', newPassword: 'better' };
const CHANGE = 'POST /auth/password';
const changesOf = (tab: Tab) => tab.changes.map(({ type }) => type);

/** Starts a change of password whose response is slow, as on a phone. */
async function changing(options: Parameters<typeof signedIn>[0] = {}) {
  const fixture = await signedIn({ tabs: 2, ...options });
  fixture.browser.network = (route) => (route === CHANGE ? { there: 5, back: 2000 } : later(5));
  const call = failure(fixture.tab.client.changePassword(PASSWORDS));
  await fixture.world.pass(100);
  return { ...fixture, call };
}

describe('a change of password in flight', () => {
  it.each([
    { from: 'this tab', locks: true },
    { from: 'this tab', locks: false },
    { from: 'the other tab', locks: true },
  ])('does not sign out concurrent calls: $from, locks: $locks', async ({ from, locks }) => {
    const { browser, world, server, tab, other, call } = await changing({ locks });
    const response = await world.until((from === 'this tab' ? tab : other).client.fetch('/me'));
    expect(response.status).toBe(200);
    expect(await world.until(call)).toBeUndefined();
    await world.pass(200);
    expect([changesOf(tab), changesOf(other)]).toEqual([['signed_in'], ['signed_in']]);
    expect([browser.stored !== null, server.terminal]).toEqual([true, locks ? 1 : 2]);
  });

  it.each(['body', 'cookie'] as const)('does not undo a sign-out meanwhile: %s', async (delivery) => {
    const { browser, world, server, tab, other, call } = await changing({ delivery });
    await world.until(other.client.logout());
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    await world.pass(200);
    expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([['signed_out'], ['signed_out'], null]);
    // The unused new session is revoked at the server.
    expect(server.count('POST /auth/logout')).toBe(2);
    expect(server.activeSessions()).toEqual([]);
    expect(browser.cookies.size).toBe(0);
  });

  it('does not replace another user who signed in meanwhile', async () => {
    const { world, tab, other, call } = await changing();
    const ada = await world.until(other.client.login(ADA));
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    await world.pass(200);
    for (const one of [tab, other]) expect(await world.until(one.client.session())).toEqual(ada);
  });

  it('succeeds when another tab learned first that the session is over', async () => {
    const { world, tab, other, call } = await changing({ locks: false });
    await failure(world.until(other.client.fetch('/me')));
    expect(changesOf(other)).toEqual(['ended']);
    expect(await world.until(call)).toBeUndefined();
    await world.pass(200);
    expect(changesOf(other)).toEqual(['ended', 'signed_in']);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
  });
});

describe('a change of password', () => {
  it('is sent once more with a new token when the old one is outdated', async () => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    await world.until(tab.client.changePassword(PASSWORDS));
    expect([server.count(CHANGE), server.count(REFRESH)]).toEqual([2, 1]);
    server.instead = ({ route }) => (route === CHANGE ? refusal(401, 'access_token_outdated') : undefined);
    expect(await failure(world.until(tab.client.changePassword(PASSWORDS)))).toMatchObject({
      code: 'access_token_outdated',
    });
    expect(server.count(CHANGE)).toBe(4);
  });

  it('rejects with the code of a session that is over', async () => {
    const { world, server, tab, session } = await signedIn();
    server.revoke(session.id, 'ended_by_user');
    expect(await failure(world.until(tab.client.changePassword(PASSWORDS)))).toMatchObject({ code: 'session_revoked' });
    expect(tab.changes).toMatchObject([{ type: 'ended', reason: 'ended_by_user' }]);
    expect(await failure(world.until(tab.client.changePassword(PASSWORDS)))).toMatchObject({ code: 'user_changed' });
  });

  it('gets a new cookie', async () => {
    const { browser, world, tab } = await signedIn({ delivery: 'cookie' });
    const before = [...browser.cookies.keys()];
    await world.until(tab.client.changePassword(PASSWORDS));
    expect([...browser.cookies.keys()]).toHaveLength(1);
    expect([...browser.cookies.keys()]).not.toEqual(before);
    await world.pass(LATER);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
  });
});

describe('a second sign-in of the same user', () => {
  it('does not sign out concurrent calls, though the old session is revoked', async () => {
    const { browser, world, server, tab, session } = await signedIn({ delivery: 'cookie' });
    browser.network = (route) => (route === 'POST /auth/login' ? { there: 5, back: 1000 } : later(5));
    const login = tab.client.login(GRACE);
    await world.pass(20);
    server.revoke(session.id, 'signed_in_again');
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    await world.until(login);
    expect(changesOf(tab)).toEqual(['signed_in']);
  });

  it('does not wait for a hanging refresh', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    browser.network = (route) => ({ there: 5, back: 5, ...(route === REFRESH && { lost: 'request' }) });
    void failure(tab.client.fetch('/me'));
    await world.pass(10);
    const began = world.now;
    await world.until(tab.client.login(ADA));
    expect(world.now - began).toBeLessThan(600);
  });
});
