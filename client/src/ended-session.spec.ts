import { describe, expect, it } from 'vitest';
import { type Tab } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';
import type { TokenStore } from './token-store.js';
import { ADA, codeOf, failure, GRACE, LATER, later, REFRESH, signedIn } from './testing/signed-in.js';

/** A store that cannot be cleared. */
function unclearable(): TokenStore {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => void (kept = text),
    clear: () => {
      throw new Error('cannot forget');
    },
  };
}

describe('a session that is over', () => {
  const changesOf = ({ changes }: Tab) => changes.map(({ type, code, reason }) => [type, code, reason]);

  it.each([false, true])(
    'is reported in all tabs with its reason after a refresh (storage events: %s)',
    async (storageEvents) => {
      const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, storageEvents });
      server.revoke(session.id, 'ended_by_user');
      await world.pass(LATER);
      expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({
        code: 'session_revoked',
        terminal: true,
      });
      await world.pass(10);
      const ended = [['ended', 'session_revoked', 'ended_by_user']];
      expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([ended, ended, null]);
    },
  );

  it('is reported in all tabs after a call, which gets the response', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2 });
    server.revoke(session.id, 'logout_everywhere');
    const response = await world.until(tab.client.fetch('/me'));
    expect(await codeOf(response)).toBe('session_revoked');
    await world.pass(10);
    const ended = [['ended', 'session_revoked', 'logout_everywhere']];
    expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([ended, ended, null]);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is reported without a reason when the refresh route is unreachable', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    server.revoke(session.id, 'logout_everywhere');
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 0, refused: true } : later(5));
    expect(await codeOf(await world.until(tab.client.fetch('/me')))).toBe('session_revoked');
    expect([changesOf(tab), browser.stored]).toEqual([[['ended', 'session_revoked', undefined]], null]);
  });

  it('does not clear a newer session from the store', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, locks: false, channel: false });
    server.revoke(session.id, 'ended_by_user');
    await world.pass(LATER);
    browser.network = (route) => (route === REFRESH ? { there: 5, back: 5_000 } : later(5));
    const late = failure(tab.client.fetch('/me'));
    await world.pass(100);
    const next = await world.until(other.client.login(GRACE));
    await world.pass(20_000);
    await late;
    expect(await world.until(tab.client.session())).toEqual(next);
    expect([...tab.changes, ...other.changes].map(({ type }) => type)).not.toContain('ended');
  });

  it('is checked again with the newer credential of the store', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    const kept = browser.stored!;
    server.instead = ({ route, body }) =>
      route === REFRESH && body!['refresh_token'] === kept ? refusal(401, 'refresh_token_invalid') : undefined;
    browser.network = (route) => (route === REFRESH ? { there: 5, back: 1000 } : later(5));
    const call = tab.client.fetch('/me');
    await world.pass(100);
    browser.stored = kept.replace('c2ln', 'bmV3');
    expect((await world.until(call)).status).toBe(200);
    expect(tab.changes).toEqual([]);
  });

  it('is signed out in all tabs and revoked at the server by a sign-out', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2 });
    await world.until(tab.client.logout());
    await world.pass(10);
    const out = [['signed_out', undefined, undefined]];
    expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([out, out, null]);
    expect(server.calls.at(-1)).toMatchObject({ route: 'POST /auth/logout' });
    expect(browser.keepalive).toEqual(['POST /auth/logout']);
    await world.until(tab.client.logout());
    expect(server.count('POST /auth/logout')).toBe(1);
    expect(session.userId).toBe('grace');
  });

  it.each(['onResume', 'onStorage'] as const)('is detected without a channel by %s', async (event) => {
    const { world, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.until(tab.client.logout());
    expect(other.changes).toEqual([]);
    other[event]();
    await world.pass(200);
    expect(changesOf(other)).toEqual([['signed_out', undefined, undefined]]);
  });

  it('is cleared here by a sign-out offline, and logout() rejects', async () => {
    const { browser, world, tab } = await signedIn();
    let tries = 0;
    browser.network = () => ({ there: 0, back: 0, refused: (tries += 1) > 0 });
    expect(await failure(world.until(tab.client.logout()))).toBeInstanceOf(TypeError);
    expect([browser.stored, tries]).toEqual([null, 3]);
  });

  it('does not wait for a long Retry-After at sign-out', async () => {
    const { world, server, tab } = await signedIn();
    const busy = { 'retry-after': '900' };
    server.instead = ({ route }) =>
      route === 'POST /auth/logout' ? refusal(429, 'too_many_requests', busy) : undefined;
    const began = world.now;
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ retryAfter: 900 });
    expect(world.now - began).toBeLessThan(1000);
  });

  it('does not retry a sign-out after a permanent error', async () => {
    const { world, server, tab } = await signedIn();
    server.instead = ({ route }) => (route === 'POST /auth/logout' ? refusal(403, 'cross_site_request') : undefined);
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ code: 'cross_site_request' });
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('is not assumed when the refresh succeeds', async () => {
    const { world, server, tab, session } = await signedIn();
    let once = 1;
    server.instead = ({ route }) => (route === 'GET /me' && once-- > 0 ? refusal(401, 'session_revoked') : undefined);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([await world.until(tab.client.session()), tab.changes]).toEqual([session, []]);
  });

  it('does not affect another session', async () => {
    const { world, server, tab, session } = await signedIn();
    await world.pass(LATER);
    const other = { code: 'session_revoked', terminal: true, session_id: 'another' };
    const headers = { 'content-type': 'application/problem+json' };
    server.instead = ({ route }) => (route === REFRESH ? Response.json(other, { status: 401, headers }) : undefined);
    await failure(world.until(tab.client.fetch('/me')));
    expect([await world.until(tab.client.session()), tab.changes]).toEqual([session, []]);
  });

  it('does not sign out another user who signed in meanwhile', async () => {
    const { browser, world, tab, other, server, session } = await signedIn({ tabs: 2, channel: false });
    server.revoke(session.id, 'ended_by_user');
    browser.network = (route) => (route === 'GET /me' ? { there: 5, back: 500 } : later(5));
    const call = tab.client.fetch('/me');
    await world.pass(100);
    const ada = await world.until(other.client.login(ADA));
    browser.network = (route) => ({ there: 5, back: 5, refused: route === REFRESH });
    await world.until(call);
    expect(await world.until(tab.client.session())).toEqual(ada);
  });

  it('is revoked at the server even when the store cannot be cleared', async () => {
    const { world, server, tab } = await signedIn({ client: { store: unclearable() } });
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ message: 'cannot forget' });
    expect(server.activeSessions()).toEqual([]);
    server.instead = ({ route }) => (route === 'POST /auth/logout' ? refusal(401, 'session_revoked') : undefined);
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ message: 'cannot forget' });
  });

  it('clears its cookie at sign-out even when the store is empty', async () => {
    const { browser, world, server, tab } = await signedIn({ delivery: 'cookie' });
    browser.stored = null;
    await world.until(tab.client.logout());
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('has its reason in a tab that reads the store before the last message', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, channelDelay: () => 100 });
    await world.pass(200);
    server.revoke(session.id, 'reused');
    browser.storeDelay = () => 150;
    const call = failure(tab.client.fetch('/me'));
    // The store is empty, and the second message is not delivered yet.
    while (browser.stored) await world.pass(1);
    await world.pass(1);
    browser.storeDelay = () => 0;
    await world.until(other.client.session());
    await world.until(call);
    expect(changesOf(other)).toEqual([['ended', 'session_revoked', 'reused']]);
  });

  it('is a sign-out here after its revocation in the list of sessions', async () => {
    const { world, server, tab, session } = await signedIn();
    await world.until(tab.client.sessions.revoke('another'));
    expect(tab.changes).toEqual([]);
    await world.until(tab.client.sessions.revoke(session.id));
    expect(changesOf(tab)).toEqual([['signed_out', undefined, undefined]]);
    expect(server.calls.at(-1)!.route).toBe(`DELETE /sessions/${session.id}`);
  });
});
