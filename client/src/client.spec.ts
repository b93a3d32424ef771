import { describe, expect, it } from 'vitest';
import { LatchkeyError } from './latchkey-error.js';
import { FakeBrowser, type BrowserOptions, type Tab } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';

const GRACE = { email: 'grace', password: 'good' };
const ADA = { email: 'ada', password: 'good' };
const REFRESH = 'POST /auth/refresh';
const MINUTE = 60_000;
/** Past the life of an access token. */
const LATER = 16 * MINUTE;

/** A browser where Grace is signed in, in each of its tabs. */
async function signedIn(options: BrowserOptions & { tabs?: number } = {}) {
  const browser = new FakeBrowser(options);
  const { world, server } = browser;
  const tabs = Array.from({ length: options.tabs ?? 1 }, () => browser.openTab());
  const session = await world.until(tabs[0]!.client.login(GRACE));
  await world.pass(10);
  for (const tab of tabs) {
    await world.until(tab.client.session());
    tab.changes.length = 0;
  }
  return { browser, world, server, session, tabs, tab: tabs[0]!, other: tabs[1]! };
}

const later = (ms: number) => ({ there: ms, back: 5 });
const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;
const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error as LatchkeyError,
  );

describe('a refresh', () => {
  it('is made when a call needs it, and by no timer', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(24 * 60 * MINUTE);
    expect(server.count(REFRESH)).toBe(0);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is one for all calls of a tab that need it', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    const answers = await world.until(Promise.all(Array.from({ length: 20 }, () => tab.client.fetch('/me'))));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(server.count(REFRESH)).toBe(1);
  });

  it.each([{ locks: true }, { locks: false }, { channel: false }, { locks: false, channel: false }])(
    'keeps all tabs signed in, with %j',
    async (missing) => {
      const { world, server, tabs } = await signedIn({ tabs: 5, ...missing });
      await world.pass(LATER);
      const answers = await world.until(Promise.all(tabs.map((tab) => tab.client.fetch('/me'))));
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
      expect(server.terminal).toBe(0);
      expect(tabs.flatMap(({ changes }) => changes)).toEqual([]);
    },
  );

  it('is one for all tabs that wake at once, where there are locks', async () => {
    const { world, server, tabs } = await signedIn({ tabs: 5 });
    await world.pass(LATER);
    await world.until(Promise.all(tabs.map((tab) => tab.client.fetch('/me'))));
    expect(server.count(REFRESH)).toBe(1);
  });

  it('in one tab serves the others', async () => {
    const { world, server, tab, other } = await signedIn({ tabs: 2 });
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.pass(10);
    await world.until(other.client.fetch('/me'));
    expect(server.count(REFRESH)).toBe(1);
  });

  it('waits three seconds for a tab that was frozen with the lock, and then goes ahead', async () => {
    const { browser, world, server, tab, other } = await signedIn({ tabs: 2 });
    await world.pass(LATER);
    browser.fate = () => ({ there: 0, back: 0, lost: 'request' });
    void tab.client.fetch('/me').catch(() => undefined);
    await world.pass(10);
    browser.fate = () => later(5);
    const began = world.now;
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(3_100);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('goes alongside in the last quarter of a token: the call does not wait for it, nor fail with it', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(14 * MINUTE);
    browser.fate = (route) => later(route === REFRESH ? 20_000 : 5);
    const began = world.now;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeLessThan(100);
    await world.pass(MINUTE);
    expect(server.count(REFRESH)).toBe(1);
    browser.fate = () => ({ there: 0, back: 0, refused: true });
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
  });

  it('is given up after 30 s, before the leeway of the server is over; the session is kept', async () => {
    const { browser, world, tab, session } = await signedIn();
    await world.pass(LATER);
    browser.fate = () => ({ there: 0, back: 0, lost: 'answer' });
    const began = world.now;
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ name: 'TimeoutError' });
    expect(world.now - began).toBe(30_000);
    browser.fate = () => later(5);
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
    const generation = (deed: string) => JSON.parse(Buffer.from(deed.split('.')[1]!, 'base64url').toString()).gen;
    let stored = 0;
    const used = new Set<number>();
    for (const deed of browser.deeds) {
      if (deed.startsWith('stored')) stored = generation(deed);
      else used.add(generation(deed));
      expect(Math.max(0, ...used)).toBeLessThanOrEqual(stored);
    }
    expect(used.size).toBeGreaterThan(2);
  });

  it('that cannot be stored is not used: the server goes on taking the token from before', async () => {
    const { browser, world, tab, session } = await signedIn();
    for (let round = 0; round < 2; round += 1) {
      await world.pass(LATER);
      await world.until(tab.client.fetch('/me'));
    }
    await world.pass(LATER);
    const before = browser.deeds.length;
    const write = Object.getOwnPropertyDescriptor(browser, 'stored')!.value as string;
    Object.defineProperty(browser, 'stored', {
      configurable: true,
      get: () => write,
      set: () => {
        throw new Error('QuotaExceededError');
      },
    });
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ message: 'QuotaExceededError' });
    expect(browser.deeds.slice(before)).toEqual([]);
    Object.defineProperty(browser, 'stored', { configurable: true, writable: true, value: write });
    await world.pass(10 * MINUTE);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('that answers late puts no older token over a newer one', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, locks: false, channel: false });
    await world.pass(LATER);
    await world.until(tab.client.fetch('/me'));
    await world.pass(LATER);
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 25_000 } : later(5));
    const slow = other.client.fetch('/me');
    await world.pass(10);
    server.end = () => undefined;
    const newer = browser.stored!.replace(/\.[^.]+\./, () => {
      const claims = { sid: session.id, sub: 'grace', gen: server.generationOf(session.id) + 1, iat: 1 };
      return `.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
    });
    browser.stored = newer;
    expect((await world.until(slow)).status).toBe(200);
    expect(browser.stored).toBe(newer);
  });

  it('that answers after somebody signed out brings nobody back', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 5_000 } : later(5));
    const call = tab.client.fetch('/me');
    await world.pass(100);
    expect(server.count(REFRESH)).toBe(1);
    await world.until(tab.client.logout());
    expect((await world.until(call)).status).toBe(401);
    expect([browser.stored, await world.until(tab.client.session())]).toEqual([null, null]);
    expect(tab.changes.map(({ reason }) => reason)).toEqual(['signed_out']);
  });
});

describe('a refresh that answers after somebody else signed in', () => {
  it.each(['this tab', 'another tab'])('leaves them signed in, and serves nobody: %s', async (where) => {
    const { browser, world, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.pass(LATER);
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 5_000 } : later(5));
    const call = failure(tab.client.fetch('/things', { method: 'POST' }));
    await world.pass(100);
    const ada = await world.until((where === 'this tab' ? tab : other).client.login(ADA));
    const kept = browser.stored;
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    expect([browser.stored, await world.until(tab.client.session())]).toEqual([kept, ada]);
    expect(tab.changes).toEqual([{ session: ada, reason: 'user_changed' }]);
  });
});

describe('tabs', () => {
  it('that share no storage have sessions of their own, and take no token of another', async () => {
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

describe('storage that takes its time', () => {
  it('holds what was answered last, whatever overlaps', async () => {
    const { browser, world, tab } = await signedIn();
    await world.until(tab.client.fetch('/me'));
    await world.pass(LATER);
    browser.storeDelay = () => 50;
    browser.fate = (route) => later(route === REFRESH ? 140 : 160);
    const call = failure(tab.client.fetch('/me'));
    await world.pass(55);
    const ada = await world.until(tab.client.login(ADA));
    expect(await world.until(call)).toMatchObject({ code: 'user_changed' });
    await world.pass(1000);
    expect(await world.until(tab.client.session())).toEqual(ada);
  });
});

describe('a server in trouble', () => {
  it('is asked again when it said, and the call has its answer', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    let bad = 1;
    server.instead = ({ route }) =>
      route === REFRESH && bad-- > 0 ? refusal(503, 'refresh_busy', { 'retry-after': '2' }) : undefined;
    const began = world.now;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(world.now - began).toBeGreaterThan(2_000);
    expect(server.count(REFRESH)).toBe(2);
  });

  it.each([
    ['503', () => refusal(503, 'database_unavailable')],
    ['429', () => refusal(429, 'too_many_requests')],
    [
      '500 that claims to be terminal',
      () =>
        new Response('{"code":"x","terminal":true}', {
          status: 500,
          headers: { 'content-type': 'application/problem+json' },
        }),
    ],
    ['502 of a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['401 of a proxy', () => new Response('<h1>Who are you?</h1>', { status: 401 })],
    ['200 of a captive portal', () => new Response('<h1>Welcome to our hotel</h1>')],
    ['200 that holds something else', () => Response.json({ access_token: 'x' })],
    ['400', () => refusal(400, 'validation_failed')],
    ['403', () => refusal(403, 'request_refused')],
  ])('signs nobody out: %s', async (_what, answer) => {
    const { browser, world, server, tab, session } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route }) => (route === REFRESH ? answer() : undefined);
    const kept = browser.stored;
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(LatchkeyError);
    await world.pass(MINUTE);
    expect([browser.stored, await world.until(tab.client.session()), tab.changes]).toEqual([kept, session, []]);
    server.instead = undefined;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
  });

  it('is not asked by every call: an outage of ten minutes, with a call each second, meets few refreshes', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    let tries = 0;
    browser.fate = () => {
      tries += 1;
      return { there: 0, back: 0, refused: true };
    };
    for (let second = 0; second < 600; second += 1) {
      void tab.client.fetch('/me').catch(() => undefined);
      await world.pass(1000);
    }
    expect(tries).toBeGreaterThan(30);
    expect(tries).toBeLessThan(80);
  });

  it('is not asked before the time it gave, and the caller is told when that is', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route }) =>
      route === REFRESH ? refusal(429, 'too_many_requests', { 'retry-after': '120' }) : undefined;
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({
      status: 429,
      retryAfter: 120,
      terminal: false,
    });
    await world.pass(119_000);
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ status: 429 });
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is asked once by a tab in the background, and again as soon as the tab is looked at', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    tab.hidden = true;
    let tries = 0;
    browser.fate = () => {
      tries += 1;
      return { there: 0, back: 0, refused: true };
    };
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
    expect(tries).toBe(1);
    browser.fate = () => later(5);
    tab.hidden = false;
    tab.woke();
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is asked at once by a call that waits, when the network is back', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    browser.fate = () => ({ there: 0, back: 0, refused: true });
    const call = tab.client.fetch('/me');
    await world.pass(0);
    browser.fate = () => later(5);
    const began = world.now;
    tab.woke();
    expect((await world.until(call)).status).toBe(200);
    expect(world.now - began).toBeLessThan(100);
  });
});

describe('an access token that is refused', () => {
  it('after a sleep that the clock did not see is renewed, and the call sent once more', async () => {
    const { browser, world, server, tab } = await signedIn();
    browser.sleep(8 * 60 * MINUTE);
    const answer = await world.until(tab.client.fetch('/things', { method: 'POST', body: '{"a":"b"}' }));
    expect(answer.status).toBe(200);
    expect(server.calls.map(({ route }) => route).slice(-3)).toEqual(['POST /things', REFRESH, 'POST /things']);
    expect(server.calls.at(-1)!.body).toEqual({ a: 'b' });
  });

  it('because roles changed is renewed, and the call sent once more', async () => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([2, 1]);
  });

  it('twice is the answer: the call is not sent a third time', async () => {
    const { world, server, tab } = await signedIn();
    server.instead = ({ route }) => (route === 'GET /me' ? refusal(401, 'access_token_outdated') : undefined);
    const answer = await world.until(tab.client.fetch('/me'));
    expect([answer.status, await codeOf(answer)]).toEqual([401, 'access_token_outdated']);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([2, 1]);
  });

  it('and cannot be renewed now: the caller has the first answer, unread', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    server.outdate('grace');
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 0, lost: 'request' } : later(5));
    const answer = await world.until(tab.client.fetch('/me'));
    expect(await codeOf(answer)).toBe('access_token_outdated');
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('for another reason is the answer: a wrong password at a route of the app refreshes nothing', async () => {
    const { world, server, tab } = await signedIn();
    server.instead = ({ route }) => (route === 'GET /me' ? refusal(401, 'request_refused') : undefined);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(401);
    expect(server.count(REFRESH)).toBe(0);
  });

  it.each([
    ['a form', () => new URLSearchParams({ a: 'b' }), true],
    ['bytes', () => new TextEncoder().encode('{}'), true],
    ['a file', () => new Blob(['{}']), true],
    ['a stream', () => new Blob(['{}']).stream(), false],
  ])('sends %s again only if it can be read again', async (_what, body, again) => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    const answer = await world.until(tab.client.fetch('/things', { method: 'POST', body: body() }));
    expect([answer.status, server.count('POST /things')]).toEqual(again ? [200, 2] : [401, 1]);
    // What could not be sent again still was a sign: the next call brings a new token.
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([1, 1]);
  });

  it('in a Request is renewed, and its body sent again', async () => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    const request = new Request('https://auth.example.com/things', { method: 'POST', body: '{"a":"b"}' });
    expect((await world.until(tab.client.fetch(request))).status).toBe(200);
    expect(server.calls.filter(({ route }) => route === 'POST /things').map(({ body }) => body)).toEqual([
      { a: 'b' },
      { a: 'b' },
    ]);
  });
});

describe('fetch', () => {
  it('sends the token to no other origin, and what the caller sets stays', async () => {
    const { browser, world, server, tab } = await signedIn({ client: { origins: ['https://reports.example.com'] } });
    await world.until(tab.client.fetch('https://evil.example/x'));
    await world.until(tab.client.fetch(new Request('https://evil.example/x')));
    await world.until(tab.client.fetch('//evil.example/x'));
    await world.until(tab.client.fetch('https://reports.example.com/x'));
    expect(browser.elsewhere.map(({ token }) => token === null)).toEqual([true, true, true, false]);
    await world.until(tab.client.fetch('/me', { headers: { authorization: 'Bearer e30.e30.c2ln' } })).catch(() => {});
    expect(server.calls.at(-1)!.token).toBe('e30.e30.c2ln');
  });

  it('sends what nobody is signed in for as it is', async () => {
    const browser = new FakeBrowser();
    const tab = browser.openTab();
    const answer = await browser.world.until(tab.client.fetch('/me'));
    expect(await codeOf(answer)).toBe('access_token_missing');
    expect(browser.server.count(REFRESH)).toBe(0);
  });

  it('stops waiting when its caller gives up, and the refresh goes on for the others', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    browser.fate = () => later(1000);
    const impatient = new AbortController();
    const one = failure(tab.client.fetch('/me', { signal: impatient.signal }));
    const two = tab.client.fetch('/me');
    await world.pass(100);
    impatient.abort();
    await world.pass(0);
    expect(await one).toMatchObject({ name: 'AbortError' });
    expect((await world.until(two)).status).toBe(200);
  });

  it('never sends as one person what another began', async () => {
    const { browser, world, server, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.until(other.client.login(ADA));
    expect(await failure(world.until(tab.client.fetch('/things', { method: 'POST' })))).toMatchObject({
      code: 'user_changed',
    });
    expect(server.count('POST /things')).toBe(0);
    expect(tab.changes).toMatchObject([{ reason: 'user_changed', session: { userId: 'ada' } }]);
    // Told, the page can go on as the other.
    expect(await (await world.until(tab.client.fetch('/me'))).json()).toMatchObject({ userId: 'ada' });

    server.outdate('ada');
    browser.fate = (route) => later(route === 'POST /things' ? 500 : 5);
    const call = tab.client.fetch('/things', { method: 'POST' });
    await world.pass(100);
    await world.until(other.client.login(GRACE));
    expect((await world.until(call)).status).toBe(401);
    expect(server.count('POST /things')).toBe(1);
  });
});

describe('the end of a session', () => {
  const reasons = ({ changes }: Tab) => changes.map(({ reason, code, because }) => [reason, code, because]);

  it.each([false, true])(
    'that the server tells at a refresh reaches all tabs, with its reason (storage events: %s)',
    async (storageEvents) => {
      const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, storageEvents });
      server.end(session.id, 'ended_by_user');
      await world.pass(LATER);
      expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({
        code: 'session_revoked',
        terminal: true,
      });
      await world.pass(10);
      const ended = [['ended', 'session_revoked', 'ended_by_user']];
      expect([reasons(tab), reasons(other), browser.stored]).toEqual([ended, ended, null]);
    },
  );

  it('that the server tells at a call reaches all tabs at once, and the caller has the answer', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2 });
    server.end(session.id, 'logout_everywhere');
    const answer = await world.until(tab.client.fetch('/me'));
    expect(await codeOf(answer)).toBe('session_revoked');
    await world.pass(10);
    const ended = [['ended', 'session_revoked', 'logout_everywhere']];
    expect([reasons(tab), reasons(other), browser.stored]).toEqual([ended, ended, null]);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('that the server tells at a call is the end even where nobody can be asked why', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    server.end(session.id, 'logout_everywhere');
    browser.fate = (route) => (route === REFRESH ? { there: 0, back: 0, refused: true } : later(5));
    expect(await codeOf(await world.until(tab.client.fetch('/me')))).toBe('session_revoked');
    expect([reasons(tab), browser.stored]).toEqual([[['ended', 'session_revoked', undefined]], null]);
  });

  it('drops no newer session that storage holds meanwhile', async () => {
    const { browser, world, server, tab, other, session } = await signedIn({ tabs: 2, locks: false, channel: false });
    server.end(session.id, 'ended_by_user');
    await world.pass(LATER);
    browser.fate = (route) => (route === REFRESH ? { there: 5, back: 5_000 } : later(5));
    const late = failure(tab.client.fetch('/me'));
    await world.pass(100);
    const next = await world.until(other.client.login(GRACE));
    await world.pass(20_000);
    await late;
    expect(await world.until(tab.client.session())).toEqual(next);
    expect([...tab.changes, ...other.changes].map(({ reason }) => reason)).not.toContain('ended');
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
    expect([reasons(tab), reasons(other), browser.stored]).toEqual([out, out, null]);
    expect(server.calls.at(-1)).toMatchObject({ route: 'POST /auth/logout' });
    await world.until(tab.client.logout());
    expect(server.count('POST /auth/logout')).toBe(1);
    expect(session.userId).toBe('grace');
  });

  it.each(['woke', 'stored'] as const)('is noticed without a channel when the page %s', async (event) => {
    const { world, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.until(tab.client.logout());
    expect(other.changes).toEqual([]);
    other[event]();
    await world.pass(200);
    expect(reasons(other)).toEqual([['signed_out', undefined, undefined]]);
  });

  it('by logging out without a network is the end here, and the caller learns that the server was not told', async () => {
    const { browser, world, tab } = await signedIn();
    let tries = 0;
    browser.fate = () => ({ there: 0, back: 0, refused: (tries += 1) > 0 });
    expect(await failure(world.until(tab.client.logout()))).toBeInstanceOf(TypeError);
    expect([browser.stored, tries]).toEqual([null, 3]);
  });

  it('by ending it in the list of sessions is a sign-out here', async () => {
    const { world, server, tab, session } = await signedIn();
    await world.until(tab.client.sessions.end('another'));
    expect(tab.changes).toEqual([]);
    await world.until(tab.client.sessions.end(session.id));
    expect(reasons(tab)).toEqual([['signed_out', undefined, undefined]]);
    expect(server.calls.at(-1)!.route).toBe(`DELETE /sessions/${session.id}`);
  });
});

describe('signing in', () => {
  it('in one tab signs in all that share its storage', async () => {
    const browser = new FakeBrowser();
    const { world, server } = browser;
    const [tab, other] = [browser.openTab(), browser.openTab()];
    await world.pass(1);
    const session = await world.until(tab.client.register({ ...GRACE, name: 'Grace' }));
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session, reason: 'signed_in' }],
      [{ session, reason: 'signed_in' }],
    ]);
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(0);
  });

  it('as somebody else is noticed by the other tabs', async () => {
    const { world, tab, other } = await signedIn({ tabs: 2 });
    const session = await world.until(tab.client.login(ADA));
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session, reason: 'user_changed' }],
      [{ session, reason: 'user_changed' }],
    ]);
  });

  it('survives a reload, and a page that loads is no change', async () => {
    const { browser, world, tab, session } = await signedIn();
    tab.kill();
    const reloaded = browser.openTab();
    expect((await world.until(reloaded.client.fetch('/me'))).status).toBe(200);
    expect([await world.until(reloaded.client.session()), reloaded.changes]).toEqual([session, []]);
  });

  it('that is refused says why, and leaves whoever is signed in', async () => {
    const { world, tab, session } = await signedIn();
    const error = await failure(world.until(tab.client.login({ ...ADA, password: 'wrong' })));
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      status: 401,
      code: 'invalid_credentials',
      terminal: false,
      errors: [],
      requestId: expect.any(String),
    });
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('waits for the address to be verified where the server wants that', async () => {
    const browser = new FakeBrowser();
    const account = { email: 'grace', password: 'to be verified' };
    expect(await browser.world.until(browser.openTab().client.register(account))).toBeNull();
  });

  it('goes on in a new session after a change of password', async () => {
    const { world, tab, other, session } = await signedIn({ tabs: 2 });
    const next = await world.until(tab.client.changePassword({ currentPassword: 'good', newPassword: 'better' }));
    expect(next.id).not.toBe(session.id);
    await world.pass(10);
    expect([tab.changes, other.changes]).toEqual([
      [{ session: next, reason: 'signed_in' }],
      [{ session: next, reason: 'signed_in' }],
    ]);
    expect((await world.until(other.client.fetch('/me'))).status).toBe(200);
  });

  it('is not undone by the mistake of a listener', async () => {
    const { world, tab } = await signedIn();
    const thrown: unknown[] = [];
    const old = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => void thrown.push(error));
    tab.client.onChange(() => {
      throw new Error('of the page');
    });
    await world.until(tab.client.login(ADA));
    await world.pass(1);
    process.removeAllListeners('uncaughtException');
    for (const listener of old) process.on('uncaughtException', listener);
    expect(thrown).toMatchObject([{ message: 'of the page' }]);
    expect(await world.until(tab.client.session())).toMatchObject({ userId: 'ada' });
  });
});

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
    const ended = [{ session: null, reason: 'ended', code: 'refresh_token_missing' }];
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

describe('a token', () => {
  it('is in no address and in no error', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route, body }) =>
      route === REFRESH ? new Response(JSON.stringify({ echo: body }), { status: 400 }) : undefined;
    const error = (await failure(world.until(tab.client.fetch('/me'))))!;
    const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${JSON.stringify({ ...error })}`;
    expect(told).not.toContain(browser.stored!.split('.')[1]);
    expect(server.calls.map(({ route }) => route).join(' ')).not.toContain('e30.');
  });
});
