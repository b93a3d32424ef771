import { describe, expect, it, vi } from 'vitest';
import { FakeBrowser } from './testing/fake-browser.js';
import { refusal } from './testing/fake-server.js';
import { ADA, codeOf, failure, GRACE, LATER, later, MINUTE, REFRESH, signedIn } from './testing/signed-in.js';

describe('a refused access token', () => {
  it('is refreshed after a sleep of the device, and the call sent once more', async () => {
    const { browser, world, server, tab } = await signedIn();
    browser.sleep(8 * 60 * MINUTE);
    const response = await world.until(tab.client.fetch('/things', { method: 'POST', body: '{"a":"b"}' }));
    expect(response.status).toBe(200);
    expect(server.calls.map(({ route }) => route).slice(-3)).toEqual(['POST /things', REFRESH, 'POST /things']);
    expect(server.calls.at(-1)!.body).toEqual({ a: 'b' });
  });

  it('is refreshed when its key is gone, and the call sent once more', async () => {
    const { world, server, tab } = await signedIn();
    let once = 1;
    server.instead = ({ route }) =>
      route === 'GET /me' && once-- > 0 ? refusal(401, 'access_token_invalid') : undefined;
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([2, 1]);
  });

  it('causes no refresh when a newer one exists already', async () => {
    const { browser, world, server, tab } = await signedIn();
    server.outdate('grace');
    browser.network = (route) => (route === 'GET /slow' ? { there: 5, back: 500 } : later(5));
    const slow = tab.client.fetch('/slow');
    await world.until(tab.client.fetch('/me'));
    expect((await world.until(slow)).status).toBe(200);
    expect(server.count(REFRESH)).toBe(1);
  });

  it('is refreshed after a change of roles, and the call sent once more', async () => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([2, 1]);
  });

  it('is not refreshed a second time: the caller gets the response', async () => {
    const { world, server, tab } = await signedIn();
    server.instead = ({ route }) => (route === 'GET /me' ? refusal(401, 'access_token_outdated') : undefined);
    const response = await world.until(tab.client.fetch('/me'));
    expect([response.status, await codeOf(response)]).toEqual([401, 'access_token_outdated']);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([2, 1]);
  });

  it('leaves the first response unread when the refresh fails', async () => {
    const { browser, world, server, tab, session } = await signedIn();
    server.outdate('grace');
    browser.network = (route) => (route === REFRESH ? { there: 0, back: 0, lost: 'request' } : later(5));
    const response = await world.until(tab.client.fetch('/me'));
    expect(await codeOf(response)).toBe('access_token_outdated');
    expect(await world.until(tab.client.session())).toEqual(session);
  });

  it('is not refreshed after a 401 of the app itself', async () => {
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
    ['an iterable, which Node takes', () => chunks() as never, false],
  ])('sends the body again only if it can be read again: %s', async (_what, body, again) => {
    const { world, server, tab } = await signedIn();
    server.outdate('grace');
    const response = await world.until(tab.client.fetch('/things', { method: 'POST', body: body() }));
    expect([response.status, server.count('POST /things')]).toEqual(again ? [200, 2] : [401, 1]);
    // The refused token is invalid in any case: the next call gets a new one.
    expect((await world.until(tab.client.fetch('/me'))).status).toBe(200);
    expect([server.count('GET /me'), server.count(REFRESH)]).toEqual([1, 1]);
  });

  it('is refreshed for a Request too, and its body sent again', async () => {
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
  it('sends the token to no other origin, and keeps an Authorization header', async () => {
    const { browser, world, server, tab } = await signedIn({ client: { origins: ['https://reports.example.com'] } });
    await world.until(tab.client.fetch('https://evil.example/x'));
    await world.until(tab.client.fetch(new Request('https://evil.example/x')));
    await world.until(tab.client.fetch('//evil.example/x'));
    await world.until(tab.client.fetch('https://reports.example.com/x'));
    expect(browser.elsewhere.map(({ token }) => token === null)).toEqual([true, true, true, false]);
    await world.until(tab.client.fetch('/me', { headers: { authorization: 'Bearer e30.e30.c2ln' } })).catch(() => {});
    expect(server.calls.at(-1)!.token).toBe('e30.e30.c2ln');
  });

  it('copies the body, so that later changes are not sent', async () => {
    const sent: string[] = [];
    const { world, tab, browser } = await signedIn({ client: { origins: ['https://reports.example.com'] } });
    const form = new URLSearchParams();
    const fields = new FormData();
    const bytes = new TextEncoder().encode('a whole');
    const calls: Promise<Response>[] = [];
    const send = (body: NonNullable<RequestInit['body']>) =>
      void calls.push(tab.client.fetch('https://reports.example.com/x', { method: 'POST', body }));
    for (const page of ['1', '2']) {
      form.set('page', page);
      send(form);
      fields.set('page', page);
      send(fields);
    }
    send(bytes);
    send(bytes.buffer);
    bytes.fill(32);
    await world.until(Promise.all(calls));
    for (const { body } of browser.elsewhere) {
      sent.push(
        body instanceof FormData ? `field ${body.get('page') as string}` : await new Response(body as string).text(),
      );
    }
    expect(sent.sort()).toEqual(['a whole', 'a whole', 'field 1', 'field 2', 'page=1', 'page=2']);
  });

  it('treats a Request and its overrides as the platform does', async () => {
    const seen: Request[] = [];
    const { world, tab } = await signedIn({ client: { origins: ['https://reports.example.com'] } });
    vi.spyOn(Request.prototype, 'clone').mockImplementation(function (this: Request) {
      const copy = new Request(this);
      seen.push(copy);
      return copy;
    });
    const gone = new AbortController();
    gone.abort();
    const how = { method: 'POST', body: 'x', referrerPolicy: 'no-referrer', cache: 'no-store' } as const;
    const request = new Request('https://reports.example.com/x', how);
    await world.until(tab.client.fetch(request));
    await world.until(
      tab.client.fetch(new Request('https://reports.example.com/x', { ...how, signal: gone.signal }), { signal: null }),
    );
    vi.restoreAllMocks();
    expect(seen).toHaveLength(2);
    const platforms = new Request(new Request('https://reports.example.com/x', how));
    for (const key of ['method', 'referrerPolicy', 'cache'] as const) expect(seen[0]![key]).toBe(platforms[key]);
    expect(request.bodyUsed).toBe(true);
    expect(await failure(world.until(tab.client.fetch(request)))).toBeInstanceOf(TypeError);
  });

  it('accepts every object that converts to an address', async () => {
    const { world, server, tab } = await signedIn();
    const location = { toString: () => 'https://auth.example.com/me' } as unknown as URL;
    expect((await world.until(tab.client.fetch(location))).status).toBe(200);
    expect(server.calls.at(-1)!.route).toBe('GET /me');
  });

  it('rejects at once with an aborted signal', async () => {
    const { browser, world, server, tab } = await signedIn();
    await world.pass(LATER);
    browser.network = (route) => ({ there: 5, back: 5, ...(route === REFRESH && { lost: 'request' }) });
    const signal = AbortSignal.abort();
    const began = world.now;
    expect(await failure(world.until(tab.client.fetch('/me', { signal })))).toMatchObject({ name: 'AbortError' });
    expect([server.count('GET /me'), world.now]).toEqual([0, began]);
  });

  it('ignores a terminal error of another origin', async () => {
    const { browser, world, server, tab, session } = await signedIn({
      client: { origins: ['https://reports.example.com/'] },
    });
    browser.respondElsewhere = () => refusal(401, 'session_revoked');
    await world.until(tab.client.fetch('https://reports.example.com/x'));
    expect(await world.until(tab.client.session())).toEqual(session);
    expect([browser.elsewhere[0]!.token === null, server.count(REFRESH)]).toEqual([false, 0]);
  });

  it('refreshes after invalid_token (RFC 6750) from another service', async () => {
    const { browser, world, server, tab } = await signedIn({ client: { origins: ['https://reports.example.com'] } });
    let asked = 0;
    browser.respondElsewhere = () =>
      (asked += 1) > 1
        ? new Response('report')
        : new Response('', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });
    expect(await (await world.until(tab.client.fetch('https://reports.example.com/x'))).text()).toBe('report');
    expect(server.count(REFRESH)).toBe(1);
  });

  it('rejects a user’s call when the session is over', async () => {
    const { world, server, tab, other, session } = await signedIn({ tabs: 2 });
    server.revoke(session.id, 'ended_by_user');
    await world.pass(LATER);
    const calls = [tab, other].map((one) => failure(one.client.fetch('/things', { method: 'POST', body: '{}' })));
    const codes = (await world.until(Promise.all(calls))).map((error) => error!.code);
    expect([codes.sort(), server.count('POST /things')]).toEqual([['session_revoked', 'user_changed'], 0]);
  });

  it('sends a call without a token when nobody is signed in', async () => {
    const browser = new FakeBrowser();
    const tab = browser.openTab();
    const response = await browser.world.until(tab.client.fetch('/me'));
    expect(await codeOf(response)).toBe('access_token_missing');
    expect(browser.server.count(REFRESH)).toBe(0);
  });

  it('rejects on abort, and the refresh goes on for other callers', async () => {
    const { browser, world, tab } = await signedIn();
    await world.pass(LATER);
    browser.network = () => later(1000);
    const impatient = new AbortController();
    const one = failure(tab.client.fetch('/me', { signal: impatient.signal }));
    const two = tab.client.fetch('/me');
    await world.pass(100);
    impatient.abort();
    await world.pass(0);
    expect(await one).toMatchObject({ name: 'AbortError' });
    expect((await world.until(two)).status).toBe(200);
  });

  it('never sends one user’s call as another user', async () => {
    const { browser, world, server, tab, other } = await signedIn({ tabs: 2, channel: false });
    await world.until(other.client.login(ADA));
    expect(await failure(world.until(tab.client.fetch('/things', { method: 'POST' })))).toMatchObject({
      code: 'user_changed',
    });
    expect(server.count('POST /things')).toBe(0);
    expect(tab.changes).toMatchObject([{ type: 'user_changed', session: { userId: 'ada' } }]);
    // After the change event, calls are sent as the other user.
    expect(await (await world.until(tab.client.fetch('/me'))).json()).toMatchObject({ userId: 'ada' });

    server.outdate('ada');
    browser.network = (route) => later(route === 'POST /things' ? 500 : 5);
    const call = tab.client.fetch('/things', { method: 'POST' });
    await world.pass(100);
    await world.until(other.client.login(GRACE));
    expect((await world.until(call)).status).toBe(401);
    expect(server.count('POST /things')).toBe(1);
  });
});

describe('a token', () => {
  it('appears in no address and in no error', async () => {
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

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('{}');
}
