import { describe, expect, it } from 'vitest';
import { FakeBrowser } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';
import { ADA, failure, GRACE, LATER, later, MINUTE, REFRESH, signedIn } from './testing/signed-in.js';

describe('a refresh', () => {
  it('is sent when a call needs it, and by no timer', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(24 * 60 * MINUTE);
    expect(server.count(REFRESH)).toBe(0);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is single flight for all calls of a tab', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    const responses = await world.until(Promise.all(Array.from({ length: 20 }, () => tab.client.fetch('/me'))));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(server.count(REFRESH)).toBe(1);
  });

  it.each([{ locks: true }, { locks: false }, { channel: false }, { locks: false, channel: false }])(
    'keeps all tabs signed in, with %j',
    async (missing) => {
      const { world, server, tabs } = await signedIn({ tabs: 5, ...missing });
      await world.pass(LATER);
      const responses = await world.until(Promise.all(tabs.map((tab) => tab.client.fetch('/me'))));
      expect(responses.map(({ status }) => status)).toEqual(Array(5).fill(200));
      expect(server.terminal).toBe(0);
      expect(tabs.flatMap(({ changes }) => changes)).toEqual([]);
    },
  );

  it('is single flight for all tabs that resume at once, with Web Locks', async () => {
    const { world, server, tabs } = await signedIn({ tabs: 5 });
    await world.pass(LATER);
    await world.until(Promise.all(tabs.map((tab) => tab.client.fetch('/me'))));
    expect(server.count(REFRESH)).toBe(1);
  });

  it('of one tab serves the others', async () => {
    const { world, server, tab, other } = await signedIn({ tabs: 2 });
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.pass(10);
    await world.until(other.client.fetch('/me'));
    expect(server.count(REFRESH)).toBe(1);
  });

  it('waits at most three seconds for the lock of a frozen tab', async () => {
    const { browser, world, server, tab, other } = await signedIn({ tabs: 2 });
    await world.pass(LATER);
    browser.network = () => ({ there: 0, back: 0, lost: 'request' });
    void tab.client.fetch('/me').catch(() => undefined);
    await world.pass(10);
    browser.network = () => later(5);
    const began = world.now;
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(3_100);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('runs in the background while the token is valid: no call waits for it', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(14 * MINUTE);
    browser.network = (route) => later(route === REFRESH ? 20_000 : 5);
    const began = world.now;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(100);
    await world.pass(MINUTE);
    expect(server.count(REFRESH)).toBe(1);
    browser.network = () => ({ there: 0, back: 0, refused: true });
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
  });

  it('times out after 30 s, within the server’s leeway, and keeps the session', async () => {
    const { browser, world, tab, session } = await signedIn();
    await world.pass(LATER);
    browser.network = () => ({ there: 0, back: 0, lost: 'response' });
    const began = world.now;
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ name: 'TimeoutError' });
    expect(world.now - began).toBe(30_000);
    browser.network = () => later(5);
    await world.pass(MINUTE);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('is stored before the access token that came with it is used', async () => {
    const { browser, world, tab } = await signedIn();
    browser.storeDelay = () => 50;
    for (let round = 0; round < 3; round += 1) {
      await world.pass(LATER);
      await world.until(tab.client.fetch('/me'));
    }
    const generation = (operation: string) =>
      JSON.parse(Buffer.from(operation.split('.')[1]!, 'base64url').toString()).gen;
    let stored = 0;
    const used = new Set<number>();
    for (const operation of browser.operations) {
      if (operation.startsWith('stored')) stored = generation(operation);
      else used.add(generation(operation));
      expect(Math.max(0, ...used)).toBeLessThanOrEqual(stored);
    }
    expect(used.size).toBeGreaterThan(2);
  });

  it('that cannot be stored is not used, and the old token stays valid', async () => {
    const { browser, world, tab, session } = await signedIn();
    for (let round = 0; round < 2; round += 1) {
      await world.pass(LATER);
      await world.until(tab.client.fetch('/me'));
    }
    await world.pass(LATER);
    const before = browser.operations.length;
    const write = Object.getOwnPropertyDescriptor(browser, 'stored')!.value as string;
    Object.defineProperty(browser, 'stored', {
      configurable: true,
      get: () => write,
      set: () => {
        throw new Error('QuotaExceededError');
      },
    });
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ message: 'QuotaExceededError' });
    expect(browser.operations.slice(before)).toEqual([]);
    Object.defineProperty(browser, 'stored', { configurable: true, writable: true, value: write });
    await world.pass(10 * MINUTE);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('with a late response does not replace a newer token', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, locks: false, channel: false });
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.pass(LATER);
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 25_000 } : later(5));
    const slow = other.client.fetch('/me');
    await world.pass(10);
    server.revoke = () => undefined;
    const newer = browser.stored!.replace(/\.[^.]+\./, () => {
      const claims = { sid: session.id, sub: 'grace', gen: server.generationOf(session.id) + 1, iat: 1 };
      return `.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
    });
    browser.stored = newer;
    expect((await world.until(slow)).status).toBe(200);
    expect(browser.stored).toBe(newer);
  });

  it('is repeated when the roles change while it is in flight', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(13.8 * MINUTE);
    browser.network = (route) => (route === REFRESH ? { there: 5, back: 300 } : later(5));
    await world.until(tab.client.fetch('/me'));
    await world.pass(20);
    // The server has processed the background refresh, and its response is in flight.
    server.outdate('grace');
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(2);
  });

  it('of one user delays no refresh of the next user', async () => {
    const { browser, world, server, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.pass(LATER);
    const hour = { 'retry-after': '3600' };
    server.instead = ({ route }) => (route === REFRESH ? refusal(429, 'too_many_requests', hour) : undefined);
    await failure(world.until(tab.client.fetch('/me')));
    server.instead = undefined;
    await world.until(tab.client.login(ADA));
    server.outdate('ada');
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);

    await world.pass(LATER);
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 0, lost: 'request' } : later(5));
    void failure(tab.client.fetch('/me'));
    await world.pass(100);
    await world.until(other.client.login(GRACE));
    browser.network = () => later(5);
    await world.until(tab.client.session());
    const began = world.now;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(1000);
  });

  it('of another tab, reported late, does not replace a newer token', async () => {
    let late = 0;
    const { world, tab, other, server } = await signedIn({ tabs: 2, locks: false, channelDelay: () => late });
    await world.pass(LATER);
    late = 5_000;
    await world.until(other.client.fetch('/me'));
    await world.pass(2_000);
    await world.until(tab.client.fetch('/me'));
    const token = server.calls.at(-1)!.token;
    await world.pass(4_000);
    await world.until(tab.client.fetch('/me'));
    expect(server.calls.at(-1)!.token).toBe(token);
  });

  it('does not wait for a tab with a session of its own', async () => {
    const browser = new FakeBrowser({ client: { store: undefined as never } });
    const { world } = browser;
    const [one, two] = [browser.openTab(), browser.openTab()];
    await world.until(one.client.login(GRACE));
    await world.until(two.client.login(ADA));
    await world.pass(LATER);
    browser.network = () => ({ there: 0, back: 0, lost: 'request' });
    void failure(one.client.fetch('/me'));
    await world.pass(10);
    browser.network = () => later(5);
    const began = world.now;
    expect((await world.until(two.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(100);
  });

  it('with a response after the sign-out does not restore the session', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 5_000 } : later(5));
    const call = failure(tab.client.fetch('/me'));
    await world.pass(100);
    expect(server.count(REFRESH)).toBe(1);
    await world.until(tab.client.logout());
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    expect(server.count('GET /me')).toBe(0);
    expect([browser.stored, await world.until(tab.client.session())]).toEqual([null, null]);
    expect(tab.changes.map(({ type }) => type)).toEqual(['signed_out']);
  });
});

describe('a refresh with a response after another user signed in', () => {
  it.each(['this tab', 'another tab'])('leaves the other user signed in, and its call rejects: %s', async (where) => {
    const { browser, world, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.pass(LATER);
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 5_000 } : later(5));
    const call = failure(tab.client.fetch('/things', { method: 'POST' }));
    await world.pass(100);
    const ada = await world.until((where === 'this tab' ? tab : other).client.login(ADA));
    const kept = browser.stored;
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    expect([browser.stored, await world.until(tab.client.session())]).toEqual([kept, ada]);
    expect(tab.changes).toEqual([{ session: ada, type: 'user_changed' }]);
  });
});

describe('tabs', () => {
  it('without shared storage have separate sessions, and share no token', async () => {
    const browser = new FakeBrowser({ client: { store: undefined as never } });
    const { world, server } = browser;
    const [tab, other] = [browser.openTab(), browser.openTab()];
    const mine = await world.until(tab.client.login(GRACE));
    const theirs = await world.until(other.client.login(ADA));
    await world.pass(10);
    expect(await (await world.until(tab.client.fetch('/me'))).json()).toMatchObject({ userId: 'grace' });
    expect(await (await world.until(other.client.fetch('/me'))).json()).toMatchObject({ userId: 'ada' });
    await world.until(other.client.logout());
    await world.pass(10);
    expect([await world.until(tab.client.session()), theirs.userId]).toEqual([mine, 'ada']);
    expect(server.count(REFRESH)).toBe(0);
  });
});

describe('slow storage', () => {
  it('is read once for many calls', async () => {
    const { browser, world, tab } = await signedIn();
    browser.storeDelay = () => 20;
    const began = world.now;
    await world.until(Promise.all(Array.from({ length: 30 }, () => tab.client.fetch('/me'))));
    expect(world.now - began).toBeLessThan(100);
  });

  it('keeps the latest credential when writes overlap', async () => {
    const { browser, world, tab } = await signedIn();
    await world.until(tab.client.fetch('/me'));
    await world.pass(LATER);
    browser.storeDelay = () => 50;
    browser.network = (route) => later(route === REFRESH ? 1_000 : 160);
    const call = failure(tab.client.fetch('/me'));
    await world.pass(55);
    const ada = await world.until(tab.client.login(ADA));
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    await world.pass(1000);
    expect(await world.until(tab.client.session())).toEqual(ada);
  });
});
