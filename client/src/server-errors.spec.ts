import { describe, expect, it } from 'vitest';
import { LatchkeyError } from './latchkey-error.js';
import type { Activity } from './activity.js';
import { refusal } from './testing/fake-server.js';
import { failure, LATER, later, MINUTE, REFRESH, signedIn } from './testing/signed-in.js';

describe('a server with errors', () => {
  it('gets a retry after Retry-After, and the call succeeds', async () => {
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
    ['429', () => refusal(429, 'rate_limited')],
    [
      '500 marked as terminal',
      () =>
        new Response('{"code":"x","terminal":true}', {
          status: 500,
          headers: { 'content-type': 'application/problem+json' },
        }),
    ],
    [
      '429 marked as terminal',
      () =>
        new Response('{"code":"x","terminal":true}', {
          status: 429,
          headers: { 'content-type': 'application/problem+json' },
        }),
    ],
    [
      '401 in JSON that is no problem document',
      () => Response.json({ code: 'session_revoked', terminal: true }, { status: 401 }),
    ],
    ['502 of a proxy', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
    ['401 of a proxy', () => new Response('<h1>Who are you?</h1>', { status: 401 })],
    ['200 of a captive portal', () => new Response('<h1>Welcome to our hotel</h1>')],
    ['200 without tokens', () => Response.json({ access_token: 'x' })],
    ['400', () => refusal(400, 'validation_failed')],
    ['403', () => refusal(403, 'request_refused')],
  ])('signs nobody out: %s', async (_what, response) => {
    const { browser, world, server, tab, session } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route }) => (route === REFRESH ? response() : undefined);
    const kept = browser.stored;
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(LatchkeyError);
    await world.pass(MINUTE);
    expect([browser.stored, await world.until(tab.client.session()), tab.changes]).toEqual([kept, session, []]);
    server.instead = undefined;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
  });

  it('gets a short back-off again after a success', async () => {
    const waits: number[] = [];
    const onActivity = (activity: Activity) => void (activity.type === 'retry' && waits.push(activity.inMs));
    const { world, server, tab } = await signedIn({ client: { onActivity } });
    let bad = 4;
    server.instead = ({ route }) => (route === REFRESH && bad-- > 0 ? refusal(503, 'refresh_busy') : undefined);
    await world.pass(LATER);
    await failure(world.until(tab.client.fetch('/me')));
    await world.pass(MINUTE);
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    await world.pass(LATER);
    bad = 1;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(waits.at(-1)).toBe(waits[0]);
  });

  it('cannot replace the session by the tokens of another one', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    const body = { email: 'ada', password: 'good' };
    const ada = server.handle({ route: 'POST /auth/login', token: null, body, cookies: undefined }).response;
    await world.pass(LATER);
    const kept = browser.stored;
    server.instead = ({ route }) => (route === REFRESH ? ada.clone() : undefined);
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ code: 'unexpected_response' });
    expect([browser.stored, await world.until(tab.client.session())]).toEqual([kept, session]);
  });

  it('gets no retry before Retry-After, however often the page resumes', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    const minutes = { 'retry-after': '120' };
    server.instead = ({ route }) => (route === REFRESH ? refusal(429, 'too_many_requests', minutes) : undefined);
    for (let visit = 0; visit < 10; visit += 1) {
      tab.onResume();
      await failure(world.until(tab.client.fetch('/me')));
      await world.pass(1000);
    }
    expect(server.count(REFRESH)).toBe(1);
  });

  it('gets few retries after permanent errors that are not terminal', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route }) => (route === REFRESH ? refusal(403, 'cross_site_request') : undefined);
    for (let call = 0; call < 100; call += 1) {
      await failure(world.until(tab.client.fetch('/me')));
      await world.pass(100);
    }
    expect(server.count(REFRESH)).toBeLessThan(10);
  });

  it('gets few refreshes in an outage of ten minutes with a call each second', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    let tries = 0;
    browser.network = () => {
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

  it('gets no call before Retry-After, which the caller can read', async () => {
    const { world, server, tab } = await signedIn();
    await world.pass(LATER);
    server.instead = ({ route }) =>
      route === REFRESH ? refusal(429, 'rate_limited', { 'retry-after': '120' }) : undefined;
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({
      status: 429,
      code: 'rate_limited',
      limit: 'refresh-session',
      retryAfter: 120,
      terminal: false,
    });
    await world.pass(119_000);
    expect(await failure(world.until(tab.client.fetch('/me')))).toMatchObject({ status: 429 });
    expect(server.count(REFRESH)).toBe(1);
  });

  it('gets one refresh from a hidden tab, and the next when it is visible', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    tab.hidden = true;
    let tries = 0;
    browser.network = () => {
      tries += 1;
      return { there: 0, back: 0, refused: true };
    };
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
    expect(await failure(world.until(tab.client.fetch('/me')))).toBeInstanceOf(TypeError);
    expect(tries).toBe(1);
    browser.network = () => later(5);
    tab.hidden = false;
    tab.onResume();
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('gets the waiting retry at once when the network is back', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    browser.network = () => ({ there: 0, back: 0, refused: true });
    const call = tab.client.fetch('/me');
    await world.pass(0);
    browser.network = () => later(5);
    const began = world.now;
    tab.onResume();
    expect((await world.until(call)).status).toBe(200);
    expect(world.now - began).toBeLessThan(100);
  });
});
