import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FailedSignInBuffer } from '../../src/audit/failed-sign-in-buffer.js';
import { SecurityEvents } from '../../src/audit/security-events.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import { Rows } from '../support/database/rows.js';
import { throwawayDatabase } from '../support/database/database.js';
import { eventTypes, storedEvents } from '../support/database/security-events.js';
import { watchStatements } from '../support/database/statements.js';

const BROWSER = { 'user-agent': 'Browser/1.0' };
const THIEF = { 'user-agent': 'Thief/2.0 "<script>\t\u00e9' };
const HERE = { ip: '127.0.0.1', userAgent: BROWSER['user-agent'] };
const WRONG = 'not the password at all';

describe('the security events', () => {
  let test: TestApp;
  const rows = new Rows(() => test);
  beforeAll(async () => {
    test = await createTestApp({ env: { MAX_SESSIONS_PER_USER: '2' } });
  });
  afterAll(() => test.close());

  const signUp = async () => {
    const email = someEmail();
    const { body } = await test.http.post('/auth/register', { json: { email, password: PASSWORD }, headers: BROWSER });
    return { email, userId: claimsOf(body.access_token)['sub'] as string, tokens: body };
  };
  const signIn = async (email: string, password = PASSWORD, headers: Record<string, string> = BROWSER) =>
    test.http.post('/auth/login', { json: { email, password }, headers });
  /** The events that `work` adds for the user. */
  const added = async (userId: string, work: () => Promise<unknown>) => {
    const before = (await storedEvents(test, userId)).length;
    await work();
    return (await storedEvents(test, userId)).slice(before);
  };

  it('record a registration and its sign-in', async () => {
    const { userId, tokens } = await signUp();
    const common = { userId, sessionId: tokens.session_id, details: {}, ...HERE };
    expect(await storedEvents(test, userId)).toMatchObject([
      { type: 'registered', ...common },
      { type: 'sign_in', ...common },
    ]);
  });

  it('record a sign-in, and the sessions of the same browser that it replaced', async () => {
    const { email, userId, tokens } = await signUp();
    const events = await added(userId, async () => {
      const json = { email, password: PASSWORD, delivery: 'cookie' };
      const headers = { ...BROWSER, origin: 'http://localhost:3000' };
      const { headers: set } = await test.http.post('/auth/login', { json, headers });
      const cookie = set.get('set-cookie')!.split(';')[0]!;
      await test.http.post('/auth/login', { json, headers: { ...headers, cookie } });
    });
    expect(events.map(({ type, details }) => [type, details])).toEqual([
      ['sign_in', {}],
      ['new_device', {}],
      ['sign_in', { replacedSessions: 1 }],
      ['new_device', {}],
    ]);
    expect(events.every(({ sessionId }) => sessionId !== tokens.session_id)).toBe(true);
  });

  it('record a new device, unless it is the first or has signed in before', async () => {
    const { email, userId, tokens } = await signUp();
    const json = { email, password: PASSWORD, device_token: tokens.device_token };
    const known = await added(userId, () => test.http.post('/auth/login', { json }));
    expect(known.map(({ type }) => type)).not.toContain('new_device');
    const stranger = await signUp();
    const theirs = { ...json, device_token: stranger.tokens.device_token };
    const unknown = await added(userId, () => test.http.post('/auth/login', { json: theirs }));
    expect(unknown.map(({ type }) => type)).toContain('new_device');
  });

  it('record the sessions beyond MAX_SESSIONS_PER_USER', async () => {
    const { email, userId, tokens } = await signUp();
    await signIn(email);
    let last = '';
    const events = await added(userId, async () => (last = (await signIn(email)).body.session_id));
    expect(events).toMatchObject([
      { type: 'sign_in', sessionId: last, ...HERE },
      { type: 'new_device', sessionId: last, ...HERE },
      { type: 'session_cap', sessionId: tokens.session_id, details: { newSessionId: last }, ...HERE },
    ]);
  });

  it('record failed sign-ins at accounts, of one second and one address as one', async () => {
    const { email, userId } = await signUp();
    const events = await added(userId, async () => {
      for (let i = 0; i < 3; i++) expect((await signIn(email, WRONG)).status).toBe(401);
    });
    expect(events).toMatchObject([{ type: 'sign_in_failed', sessionId: null, ...HERE }]);
    expect(events.reduce((sum, { details }) => sum + (details['attempts'] as number), 0)).toBe(3);
    await rows.disable(email);
    expect(await added(userId, () => signIn(email))).toMatchObject([{ type: 'sign_in_failed' }]);
  });

  it('record nothing for an unknown address (user enumeration)', async () => {
    const before = (await storedEvents(test)).length;
    expect((await signIn(someEmail(), WRONG)).status).toBe(401);
    expect((await storedEvents(test)).length).toBe(before);
  });

  // User enumeration by timing.
  it('write a failed sign-in after the response: an account costs no statement', async () => {
    const { email } = await signUp();
    await test.flush();
    const aboutUsers = (statements: string[]) => statements.filter((sql) => /FROM "users"/.test(sql));
    const buffer = test.app.get(FailedSignInBuffer);
    clearTimeout(buffer['timer']);
    const schedule = vi.spyOn(buffer as any, 'scheduleFlush').mockReturnValue(undefined);
    const record = vi.spyOn(SecurityEvents.prototype, 'recordAll');
    const watching = watchStatements();
    await signIn(someEmail(), WRONG);
    const unknown = aboutUsers(watching.taken());
    const response = await signIn(email, WRONG);
    const known = aboutUsers(watching.taken());
    expect(record).not.toHaveBeenCalled();
    await storedEvents(test);
    expect(record).toHaveBeenCalledOnce();
    watching.stop();
    record.mockRestore();
    schedule.mockRestore();
    buffer['timer'] = undefined;
    expect(response.status).toBe(401);
    expect(known).toEqual(unknown);
    expect(unknown).toEqual([expect.stringContaining('FROM "users"')]);
  });

  it('record a logout by access token, refresh token or /oauth/revoke, once each', async () => {
    const { userId, tokens, email } = await signUp();
    const logout = () => test.http.post('/auth/logout', { token: tokens.access_token, headers: BROWSER });
    expect(await added(userId, logout)).toMatchObject([{ type: 'logout', sessionId: tokens.session_id, ...HERE }]);
    expect(await added(userId, logout)).toEqual([]);

    const second = (await signIn(email)).body;
    const byRefreshToken = () => test.http.post('/auth/logout', { json: { refresh_token: second.refresh_token } });
    expect(await added(userId, byRefreshToken)).toMatchObject([{ type: 'logout', sessionId: second.session_id }]);

    const third = (await signIn(email)).body;
    const revoke = () => test.http.post('/oauth/revoke', { form: { token: third.refresh_token }, headers: BROWSER });
    expect(await added(userId, revoke)).toMatchObject([{ type: 'logout', sessionId: third.session_id, ...HERE }]);
    expect(await added(userId, revoke)).toEqual([]);
  });

  it('record a session that its user revoked, and the session that did it', async () => {
    const { email, userId, tokens } = await signUp();
    const other = await login(test.http, email);
    const remove = (id: string) =>
      test.http.delete(`/sessions/${id}`, { token: tokens.access_token, headers: BROWSER });
    expect(await added(userId, () => remove(other.session_id))).toMatchObject([
      { type: 'session_revoked', sessionId: other.session_id, details: { bySessionId: tokens.session_id }, ...HERE },
    ]);
    expect(await added(userId, () => remove(other.session_id))).toEqual([]);
    const stranger = await signUp();
    expect(await added(userId, () => remove(stranger.tokens.session_id))).toEqual([]);
    expect((await storedEvents(test, stranger.userId)).length).toBe(2);
  });

  it('record all others, and all, with their number', async () => {
    const { email, userId, tokens } = await signUp();
    await login(test.http, email);
    const remove = (path: string) => () => test.http.delete(path, { token: tokens.access_token, headers: BROWSER });
    const event = { type: 'sessions_revoked', sessionId: tokens.session_id, ...HERE };
    expect(await added(userId, remove('/sessions?except=current'))).toMatchObject([
      { ...event, details: { which: 'others', sessions: 1 } },
    ]);
    expect(await added(userId, remove('/sessions?except=current'))).toEqual([]);
    expect(await added(userId, remove('/sessions'))).toMatchObject([
      { ...event, details: { which: 'all', sessions: 1 } },
    ]);
  });

  it('record a change of password, with the new session', async () => {
    const { email, userId, tokens } = await signUp();
    await login(test.http, email);
    let changed = '';
    const json = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, a new one` };
    const change = async () => {
      const { body } = await test.http.post('/auth/password', { token: tokens.access_token, json, headers: BROWSER });
      changed = body.session_id;
    };
    const events = await added(userId, change);
    const details = { bySessionId: tokens.session_id, revokedSessions: 2 };
    expect(events).toMatchObject([{ type: 'password_changed', sessionId: changed, details, ...HERE }]);
  });

  it.each(['/auth/refresh', '/oauth/token'])('record reuse at %s once, with both devices', async (path) => {
    const { userId, tokens } = await signUp();
    const first = tokens.refresh_token as string;
    await refresh(test.http, first);
    await test.flush();
    test.clock.move('121s');
    const { body } = await refresh(test.http, first);
    await test.http.get('/auth/whoami', { token: body.access_token });
    await test.flush();
    test.clock.move('61s');
    const form = { grant_type: 'refresh_token', refresh_token: first };
    const replay = () =>
      path === '/oauth/token'
        ? test.http.post(path, { form, headers: THIEF })
        : test.http.post(path, { json: { refresh_token: first }, headers: THIEF });
    expect(await added(userId, replay)).toMatchObject([
      {
        type: 'reuse_detected',
        sessionId: tokens.session_id,
        ip: '127.0.0.1',
        userAgent: THIEF['user-agent'],
        details: { sessionIp: '127.0.0.1', sessionUserAgent: BROWSER['user-agent'] },
      },
    ]);
    expect(await added(userId, replay)).toEqual([]);
  });

  it('record no refresh: it sends no statement about them', async () => {
    const { userId, tokens } = await signUp();
    await storedEvents(test);
    const watching = watchStatements();
    for (let i = 0; i < 3; i++) {
      await refresh(test.http, tokens.refresh_token);
      await test.flush();
      test.clock.move('121s');
    }
    watching.stop();
    const statements = watching.taken();
    expect(statements.length).toBeGreaterThan(3);
    expect(statements.filter((sql) => sql.includes('INSERT INTO security_events'))).toEqual([]);
    expect((await storedEvents(test, userId)).length).toBe(2);
  });

  it('cost a sign-in one statement', async () => {
    const { email } = await signUp();
    await signIn(email);
    await storedEvents(test);
    const watching = watchStatements();
    await signIn(email);
    watching.stop();
    expect(watching.taken().filter((sql) => sql.includes('INSERT INTO security_events'))).toHaveLength(1);
  });

  it('have a time of the clock, which their id repeats', async () => {
    test.clock.move('1h');
    const { userId } = await signUp();
    for (const { id, at } of await storedEvents(test, userId)) {
      expect(Math.abs(at - test.clock.now())).toBeLessThan(60_000);
      expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(at);
    }
  });

  it('store at most 256 characters of a user agent, also one that JSON escapes', async () => {
    const { email, userId } = await signUp();
    const userAgent = '"\\'.repeat(500);
    const [event] = await added(userId, () => signIn(email, PASSWORD, { 'user-agent': userAgent }));
    expect(event!.userAgent).toBe(userAgent.slice(0, 256));
  });

  it('contain no secret, token or e-mail address', async () => {
    const { email, tokens } = await signUp();
    const canary = `canary ${WRONG}`;
    await signIn(email, canary);
    await test.http.post('/auth/password', {
      token: tokens.access_token,
      json: { currentPassword: PASSWORD, newPassword: `${canary} but a new one` },
    });
    const all = JSON.stringify(await storedEvents(test));
    expect(all).toContain('password_changed');
    for (const secret of ['canary', PASSWORD, '@example.com', '{hs384:', 'eyJ']) expect(all).not.toContain(secret);
  });

  it('have exactly the details of docs/security-events.md', async () => {
    const page = readFileSync('docs/security-events.md', 'utf8');
    const recorded = new Map<string, Set<string>>();
    for (const { type, details } of await storedEvents(test)) {
      const names = recorded.get(type) ?? new Set();
      for (const name of Object.keys(details)) names.add(name);
      recorded.set(type, names);
    }
    expect(recorded.size).toBe(10);
    for (const [type, names] of recorded) {
      const [, text = ''] = new RegExp(`^\\| \`${type}\` .*\\| (.*)\\|$`, 'm').exec(page) ?? [];
      // The names come before the colons.
      const documented = [...text.matchAll(/`(\w+)`(?=[^;:]*:)/g)].map(([, name = '']) => name);
      expect([type, [...names].sort()]).toEqual([type, documented.sort()]);
    }
  });
});

describe('a shutdown', () => {
  it('writes the failed sign-ins of the last second', async () => {
    const database = await throwawayDatabase();
    const first = await createTestApp({ databaseUrl: database.url });
    const { email } = await register(first.http);
    await first.http.post('/auth/login', { json: { email, password: WRONG } });
    await first.close();
    const second = await createTestApp({ databaseUrl: database.url });
    expect(await eventTypes(second)).toEqual(['registered', 'sign_in', 'sign_in_failed']);
    await second.close();
    await database.drop();
  });
});
