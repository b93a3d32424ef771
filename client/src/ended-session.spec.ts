import { describe, expect, it } from 'vitest';
import { type Tab } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';
import type { TokenStore } from './token-store.js';
import { ADA, codeOf, failure, GRACE, LATER, later, REFRESH, signedIn } from './testing/signed-in.js';

/** A store that keeps what it has. */
function stubborn(): TokenStore {
  let kept: string | null = null;
  return {
    read: () => kept,
    write: (text) => void (kept = text),
    clear: () => {
      throw new Error('cannot forget');
    },
  };
}

describe('the end of a session', () => {
  const changesOf = ({ changes }: Tab) => changes.map(({ type, code, reason }) => [type, code, reason]);

  it.each([false, true])(
    'that the server tells at a refresh reaches all tabs, with its reason (storage events: %s)',
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

  it('that the server tells at a call reaches all tabs at once, and the caller has the response', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2 });
    server.revoke(session.id, 'logout_everywhere');
    const response = await world.until(tab.client.fetch('/me'));
    expect(await codeOf(response)).toBe('session_revoked');
    await world.pass(10);
    const ended = [['ended', 'session_revoked', 'logout_everywhere']];
    expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([ended, ended, null]);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('that the server tells at a call is the end even where nobody can be asked why', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    server.revoke(session.id, 'logout_everywhere');
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 0, refused: true } : later(5));
    expect(await codeOf(await world.until(tab.client.fetch('/me')))).toBe('session_revoked');
    expect([changesOf(tab), browser.stored]).toEqual([[['ended', 'session_revoked', undefined]], null]);
  });

  it('drops no newer session that storage holds meanwhile', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, locks: false, channel: false });
    server.revoke(session.id, 'ended_by_user');
    await world.pass(LATER);
    browser.fate = (route) => (route === REFRESH ? { there: 5, back: 5_000 } : later(5));
    const late = failure(tab.client.fetch('/me'));
    await world.pass(100);
    const next = await world.until(other.client.login(GRACE));
    await world.pass(20_000);
    await late;
    expect(await world.until(tab.client.session())).toEqual(next);
    expect([...tab.changes, ...other.changes].map(({ type }) => type)).not.toContain('ended');
  });

  it('of a generation that storage has replaced is asked again with the one it holds', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    const kept = browser.stored!;
    server.instead = ({ route, body }) =>
      route === REFRESH && body!['refresh_token'] === kept ? refusal(401, 'refresh_token_invalid') : undefined;
    browser.fate = (route) => (route === REFRESH ? { there: 5, back: 1000 } : later(5));
    const call = tab.client.fetch('/me');
    await world.pass(100);
    browser.stored = kept.replace('c2ln', 'bmV3');
    expect((await world.until(call)).status).toBe(200);
    expect(tab.changes).toEqual([]);
  });

  it('by logging out in one tab signs out all, and tells the server', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2 });
    await world.until(tab.client.logout());
    await world.pass(10);
    const out = [['signed_out', undefined, undefined]];
    expect([changesOf(tab), changesOf(other), browser.stored]).toEqual([out, out, null]);
    expect(server.calls.at(-1)).toMatchObject({ route: 'POST /auth/logout' });
    expect(browser.outliving).toEqual(['POST /auth/logout']);
    await world.until(tab.client.logout());
    expect(server.count('POST /auth/logout')).toBe(1);
    expect(session.userId).toBe('grace');
  });

  it.each(['onResume', 'onStorage'] as const)('is noticed without a channel when the page %s', async (event) => {
    const { world, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.until(tab.client.logout());
    expect(other.changes).toEqual([]);
    other[event]();
    await world.pass(200);
    expect(changesOf(other)).toEqual([['signed_out', undefined, undefined]]);
  });

  it('by logging out without a network is the end here, and the caller learns that the server was not told', async () => {
    const { browser, world, tab } = await signedIn();
    let tries = 0;
    browser.fate = () => ({ there: 0, back: 0, refused: (tries += 1) > 0 });
    expect(await failure(world.until(tab.client.logout()))).toBeInstanceOf(TypeError);
    expect([browser.stored, tries]).toEqual([null, 3]);
  });

  it('by logging out is not put off for as long as a busy server likes', async () => {
    const { world, server, tab } = await signedIn();
    const busy = { 'retry-after': '900' };
    server.instead = ({ route }) =>
      route === 'POST /auth/logout' ? refusal(429, 'too_many_requests', busy) : undefined;
    const began = world.now;
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ retryAfter: 900 });
    expect(world.now - began).toBeLessThan(1000);
  });

  it('by logging out is not asked for again where the server refuses for good', async () => {
    const { world, server, tab } = await signedIn();
    server.instead = ({ route }) => (route === 'POST /auth/logout' ? refusal(403, 'cross_site_request') : undefined);
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ code: 'cross_site_request' });
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('is not believed of a session that the server serves', async () => {
    const { world, server, tab, session } = await signedIn();
    let once = 1;
    server.instead = ({ route }) => (route === 'GET /me' && once-- > 0 ? refusal(401, 'session_revoked') : undefined);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([await world.until(tab.client.session()), tab.changes]).toEqual([session, []]);
  });

  it('of another session is none of this one', async () => {
    const { world, server, tab, session } = await signedIn();
    await world.pass(LATER);
    const other = { code: 'session_revoked', terminal: true, session_id: 'another' };
    const headers = { 'content-type': 'application/problem+json' };
    server.instead = ({ route }) => (route === REFRESH ? Response.json(other, { status: 401, headers }) : undefined);
    await failure(world.until(tab.client.fetch('/me')));
    expect([await world.until(tab.client.session()), tab.changes]).toEqual([session, []]);
  });

  it('of one person signs out nobody who signed in meanwhile', async () => {
    const { browser, world, tab, other, server, session } = await signedIn({ tabs: 2, channel: false });
    server.revoke(session.id, 'ended_by_user');
    browser.fate = (route) => (route === 'GET /me' ? { there: 5, back: 500 } : later(5));
    const call = tab.client.fetch('/me');
    await world.pass(100);
    const ada = await world.until(other.client.login(ADA));
    browser.fate = (route) => ({ there: 5, back: 5, refused: route === REFRESH });
    await world.until(call);
    expect(await world.until(tab.client.session())).toEqual(ada);
  });

  it('by logging out is told to the server even where storage cannot forget, or the server has forgotten', async () => {
    const { world, server, tab } = await signedIn({ client: { store: stubborn() } });
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ message: 'cannot forget' });
    expect(server.activeSessions()).toEqual([]);
    server.instead = ({ route }) => (route === 'POST /auth/logout' ? refusal(401, 'session_revoked') : undefined);
    expect(await failure(world.until(tab.client.logout()))).toMatchObject({ message: 'cannot forget' });
  });

  it('by logging out takes a cookie along that nobody has a note of any more', async () => {
    const { browser, world, server, tab } = await signedIn({ delivery: 'cookie' });
    browser.stored = null;
    await world.until(tab.client.logout());
    expect(server.count('POST /auth/logout')).toBe(1);
  });

  it('keeps its reason in a tab that looks before the other tab’s word has come', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, channelDelay: () => 100 });
    await world.pass(200);
    server.revoke(session.id, 'reused');
    browser.storeDelay = () => 150;
    const call = failure(tab.client.fetch('/me'));
    // It is forgotten, and the word of that is still on its way.
    while (browser.stored) await world.pass(1);
    await world.pass(1);
    browser.storeDelay = () => 0;
    await world.until(other.client.session());
    await world.until(call);
    expect(changesOf(other)).toEqual([['ended', 'session_revoked', 'reused']]);
  });

  it('by ending it in the list of sessions is a sign-out here', async () => {
    const { world, server, tab, session } = await signedIn();
    await world.until(tab.client.sessions.revoke('another'));
    expect(tab.changes).toEqual([]);
    await world.until(tab.client.sessions.revoke(session.id));
    expect(changesOf(tab)).toEqual([['signed_out', undefined, undefined]]);
    expect(server.calls.at(-1)!.route).toBe(`DELETE /sessions/${session.id}`);
  });
});
