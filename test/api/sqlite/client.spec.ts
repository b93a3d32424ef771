import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientOn, type Client } from '../../../client/src/client.js';
import {
  createClient,
  LatchkeyError,
  memoryStore,
  type SessionChange,
  type TokenStore,
} from '../../../client/src/index.js';
import { browser } from '../../../client/src/platform.js';
import { UserChangesService } from '../../../src/sessions/user-changes.service.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { freePort } from '../../support/programs/free-port.js';
import { claimsOf, login, PASSWORD, someEmail } from '../../support/app/users.js';

const CHANNEL = { timeout: 5_000, interval: 5 };

/** The client of `client/` in `body` delivery, against the real server. */
describe('the client', () => {
  let test: TestApp;
  let nowhere: string;
  beforeAll(async () => {
    test = await createTestApp();
    nowhere = `http://127.0.0.1:${await freePort()}`;
  });
  afterAll(() => test.close());

  let store: TokenStore;
  let calls: string[];
  let respondInstead: (() => Response | Promise<Response>) | undefined;
  let aged: number;
  let client: Client;
  let changes: SessionChange[];
  let email: string;
  const open: Client[] = [];
  beforeEach(() => {
    store = memoryStore();
    calls = [];
    respondInstead = undefined;
    aged = 0;
    email = someEmail();
    client = openTab();
    changes = [];
    client.onChange((change) => changes.push(change));
  });
  afterEach(() => open.splice(0).forEach((tab) => tab.close()));

  function openTab(): Client {
    const platform: typeof browser = {
      ...browser,
      now: () => browser.now() + aged,
      sleep: () => Promise.resolve(),
      fetch: (input, init) => {
        calls.push(`${init?.method ?? 'GET'} ${new URL(input as string).pathname}`);
        return respondInstead ? Promise.resolve(respondInstead()) : fetch(input, init);
      },
    };
    const tab = clientOn(platform, { baseUrl: test.http.url, store });
    open.push(tab);
    return tab;
  }
  const whoami = async (path = '/auth/whoami') => {
    const response = await client.fetch(path);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const generation = async () => claimsOf((await store.read(`${test.http.url}/`))!)['gen'];
  const refreshes = () => calls.filter((call) => call === 'POST /auth/refresh').length;
  const failure = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('registers, and calls a guarded route', async () => {
    const session = await client.register({ email, password: PASSWORD, name: 'Grace Hopper' });
    expect(await whoami()).toMatchObject({ status: 200, body: { userId: session!.userId, sessionId: session!.id } });
    expect(changes).toEqual([{ session, type: 'signed_in' }]);
    expect(refreshes()).toBe(0);
  });

  it('rejects an invalid registration with a message for each field', async () => {
    const error = await failure(client.register({ email: 'nobody', password: PASSWORD }));
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      status: 400,
      code: 'validation_failed',
      terminal: false,
      errors: [{ field: 'email', message: expect.any(String) }],
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('refreshes by its own clock before the token expires', async () => {
    await client.register({ email, password: PASSWORD });
    aged = 15 * 60_000;
    test.clock.move('15m');
    expect((await whoami()).status).toBe(200);
    expect(calls.slice(1)).toEqual(['POST /auth/refresh', 'GET /auth/whoami']);
  });

  it('stays signed in over a week of rotations', async () => {
    await client.register({ email, password: PASSWORD });
    for (let round = 1; round <= 20; round += 1) {
      test.clock.move('8h');
      aged += 8 * 3_600_000;
      expect((await whoami()).status).toBe(200);
      await test.flush();
    }
    expect(await generation()).toBe(20);
    expect(changes.map(({ type }) => type)).toEqual(['signed_in']);
  });

  it('refreshes after a 401 for an expired token, and sends the call once more', async () => {
    await client.register({ email, password: PASSWORD });
    test.clock.move('8h');
    expect((await whoami()).status).toBe(200);
    expect(calls.slice(1)).toEqual(['GET /auth/whoami', 'POST /auth/refresh', 'GET /auth/whoami']);
  });

  it('uses changed roles at the next call', async () => {
    const session = await client.register({ email, password: PASSWORD });
    const roles = `UPDATE users SET roles = '["admin"]' WHERE id = '${session!.userId}'`;
    await test.app.get(UserChangesService).applyChange(session!.userId, (transaction) => transaction.write(roles));
    expect((await whoami()).body['roles']).toEqual(['admin']);
    expect(calls.slice(1)).toEqual(['GET /auth/whoami', 'POST /auth/refresh', 'GET /auth/whoami']);
  });

  it('signs out, and the server refuses both tokens', async () => {
    await client.register({ email, password: PASSWORD });
    const token = (await store.read(`${test.http.url}/`))!;
    await client.logout();
    expect(await client.session()).toBeNull();
    expect(changes.at(-1)).toEqual({ session: null, type: 'signed_out' });
    const { body } = await test.http.post('/auth/refresh', { json: { refresh_token: token } });
    expect([body.code, body.reason]).toEqual(['session_revoked', 'logout']);
    expect((await whoami()).body['code']).toBe('access_token_missing');
  });

  it('reports a session that was revoked elsewhere, in all tabs', async () => {
    await client.register({ email, password: PASSWORD });
    const tab = openTab();
    const notified: SessionChange[] = [];
    tab.onChange((change) => notified.push(change));
    await tab.session();
    const { access_token: token } = await login(test.http, email);
    await test.http.delete('/sessions?except=current', { token });
    expect((await whoami()).body['code']).toBe('session_revoked');
    const ended = { session: null, type: 'ended', code: 'session_revoked', reason: 'ended_by_user' };
    expect(changes.at(-1)).toEqual(ended);
    await expect.poll(() => notified, CHANNEL).toEqual([ended]);
    expect(await store.read(`${test.http.url}/`)).toBeNull();
  });

  it('clears an expired session', async () => {
    await client.register({ email, password: PASSWORD });
    test.clock.move('8d');
    aged = 8 * 86_400_000;
    expect(await failure(client.fetch('/users/me'))).toMatchObject({ code: 'session_expired', terminal: true });
    expect(changes.at(-1)).toMatchObject({ type: 'ended', code: 'session_expired', reason: 'expired_idle' });
  });

  it('shares a new access token with other tabs', async () => {
    await client.register({ email, password: PASSWORD });
    const tab = openTab();
    await tab.session();
    test.clock.move('15m');
    aged = 15 * 60_000;
    await client.fetch('/users/me');
    await expect
      .poll(async () => {
        const before = refreshes();
        await tab.fetch('/users/me');
        return refreshes() - before;
      }, CHANNEL)
      .toBe(0);
    expect(changes).toHaveLength(1);
  });

  it.each<[string, () => Response | Promise<Response>, object]>([
    ['the network is down', () => fetch(nowhere), { name: 'TypeError' }],
    [
      'the server is not available',
      () =>
        Response.json(
          { code: 'database_unavailable', terminal: false },
          { status: 503, headers: { 'content-type': 'application/problem+json', 'retry-after': '30' } },
        ),
      { status: 503, code: 'database_unavailable', retryAfter: 30 },
    ],
  ])('keeps the session while %s', async (_what, response, expected) => {
    const session = await client.register({ email, password: PASSWORD });
    test.clock.move('15m');
    aged = 15 * 60_000;
    respondInstead = response;
    expect(await failure(client.fetch('/users/me'))).toMatchObject(expected);
    expect(await client.session()).toEqual(session);
    respondInstead = undefined;
    aged += 60_000;
    expect((await whoami()).status).toBe(200);
    expect(changes).toHaveLength(1);
  });

  it('continues in a new session after a change of password', async () => {
    const before = await client.register({ email, password: PASSWORD });
    const after = await client.changePassword({ currentPassword: PASSWORD, newPassword: `${PASSWORD} of mine` });
    expect(after).toMatchObject({ userId: before!.userId });
    expect(after.id).not.toBe(before!.id);
    expect((await whoami()).body['sessionId']).toBe(after.id);
  });

  it('lists the sessions, and revokes one or all others', async () => {
    const { id } = (await client.register({ email, password: PASSWORD }))!;
    const others = [await login(test.http, email), await login(test.http, email), await login(test.http, email)];
    expect((await client.sessions.list()).filter(({ current }) => current).map((session) => session.id)).toEqual([id]);
    await client.sessions.revoke(others[0]!.session_id);
    expect(await client.sessions.list()).toHaveLength(3);
    await client.sessions.revokeOthers();
    expect((await client.sessions.list()).map((session) => session.id)).toEqual([id]);
    expect(await failure(client.sessions.revoke(others[0]!.session_id))).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    await client.sessions.revoke(id);
    expect(await client.session()).toBeNull();
  });

  it('works without the features of a browser', async () => {
    const plain = createClient({ baseUrl: `${test.http.url}/` });
    open.push(plain);
    const session = await plain.register({ email, password: PASSWORD });
    expect((await plain.fetch('/users/me')).status).toBe(200);
    expect(await plain.session()).toEqual(session);
    await plain.logout();
  });
});
