import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import type { Http, TokenResponse } from '../../support/http/http.js';
import { claimsOf, login, PASSWORD, refresh, register, registerMany } from '../../support/app/users.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { SlowProxy } from '../../support/database/slow-proxy.js';
import { sql } from '../../support/database/sql.js';
import { pause } from '../../support/storm/storm.js';

/** A generous limit, because the tests measure no speed. */
const PATIENCE = { timeout: 15_000, interval: 5 };
/** Waits until they are gone: until then the connections are whole. */
const CUT = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'latchkey listener'`;

describe('a revocation by one of three processes', { timeout: 60_000 }, () => {
  let database: ThrowawayDatabase;
  let proxy: SlowProxy;
  let servers: ServerProcess[];
  let one: Http;
  let two: Http;
  let three: Http;
  beforeAll(async () => {
    database = await throwawayDatabase();
    const { port } = new URL(database.url);
    proxy = await SlowProxy.before(Number(port));
    const env = {
      DATABASE_URL: database.url,
      MAX_SESSIONS_PER_USER: '1000',
      REFRESH_ROTATION_INTERVAL: '1s',
      REFRESH_LEEWAY: '500ms',
    };
    const behindProxy = { ...env, DATABASE_DIRECT_URL: database.url.replace(`:${port}/`, `:${proxy.port}/`) };
    servers = await Promise.all([startServer(env), startServer(env), startServer(behindProxy)]);
    [one, two, three] = servers.map(({ http }) => http) as [Http, Http, Http];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    await proxy.close();
    await database.drop();
  });

  const whoami = (http: Http, { access_token }: TokenResponse) => http.get('/auth/whoami', { token: access_token });
  const logout = (http: Http, { access_token }: TokenResponse) => http.post('/auth/logout', { token: access_token });
  const outcome = async (http: Http, tokens: TokenResponse) => {
    const { status, body } = await whoami(http, tokens);
    return status === 200 ? 200 : String(body.code);
  };
  const readiness = async (http: Http) => (await http.get('/health/ready')).body.status;

  it('is effective in the others: sign-in at one, use at another, logout at a third', async () => {
    const { tokens } = await register(one);
    for (const http of [one, two, three]) expect(await outcome(http, tokens)).toBe(200);
    expect((await logout(three, tokens)).status).toBe(204);
    for (const http of [one, two]) await expect.poll(() => outcome(http, tokens), PATIENCE).toBe('session_revoked');
  });

  it('is effective in the others for 49 sessions at once, and for a password change', async () => {
    const { email, tokens } = await register(one);
    const others = await Promise.all(Array.from({ length: 49 }, () => login(one, email)));
    await Promise.all(others.map((other) => whoami(two, other)));
    expect((await one.delete('/sessions?except=current', { token: tokens.access_token })).status).toBe(204);
    for (const other of others) await expect.poll(() => outcome(two, other), PATIENCE).toBe('session_revoked');
    expect(await outcome(two, tokens)).toBe(200);

    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    const { body: changed } = await three.post('/auth/password', { token: tokens.access_token, json });
    await expect.poll(() => outcome(one, tokens), PATIENCE).toBe('session_revoked');
    expect(await outcome(one, changed)).toBe(200);
  });

  it('is effective at once when their notification connections are cut', async () => {
    const { tokens } = await register(one);
    expect(await outcome(two, tokens)).toBe(200);
    for (let round = 0; round < 5; round++) {
      const { tokens: next } = await register(one);
      await whoami(two, next);
      await sql(database.url, CUT);
      await logout(one, next);
      expect(await outcome(two, next)).toBe('session_revoked');
    }
    for (const http of [one, two, three]) await expect.poll(() => readiness(http), PATIENCE).toBe('ok');
    expect(await outcome(two, tokens)).toBe(200);
  });

  it('is read by the others after a reconnect, if they missed its notification', async () => {
    const users = await registerMany(one, 20);
    for (const { tokens } of users) expect(await outcome(two, tokens)).toBe(200);
    await sql(database.url, CUT);
    await Promise.all(users.map(({ tokens }) => logout(one, tokens)));
    await expect.poll(() => readiness(two), PATIENCE).toBe('ok');
    for (const { tokens } of users) expect(await outcome(two, tokens)).toBe('session_revoked');
  });

  it('is read within MAX_SILENCE_MS on a silent connection, degraded meanwhile', async () => {
    await expect.poll(() => readiness(three), PATIENCE).toBe('ok');
    const { tokens } = await register(one);
    expect(await outcome(three, tokens)).toBe(200);
    proxy.delayMs = 3_600_000;
    await logout(one, tokens);
    await expect.poll(() => outcome(three, tokens), { ...PATIENCE, timeout: 10_000 }).toBe('session_revoked');
    expect(await readiness(three)).toBe('degraded');
    const { tokens: later } = await register(one);
    await whoami(three, later);
    await logout(one, later);
    expect(await outcome(three, later)).toBe('session_revoked');
    proxy.delayMs = 0;
    proxy.hangUp();
    await expect.poll(() => readiness(three), PATIENCE).toBe('ok');
  });

  it('is effective in a process that was paused for 10 s, from its first response', async () => {
    const users = await registerMany(one, 20);
    for (const { tokens } of users) expect(await outcome(two, tokens)).toBe(200);
    servers[1]!.process.kill('SIGSTOP');
    await Promise.all(users.map(({ tokens }) => logout(one, tokens)));
    const early = users.slice(0, 10).map(({ tokens }) => outcome(two, tokens));
    await pause(10_000);
    const late = users.slice(10).map(({ tokens }) => outcome(two, tokens));
    servers[1]!.process.kill('SIGCONT');
    expect(await Promise.all([...early, ...late])).toEqual(users.map(() => 'session_revoked'));
    await expect.poll(() => readiness(two), PATIENCE).toBe('ok');
  });

  it('is effective in a process that listens on a wrong database, which is degraded', async () => {
    const elsewhere = await throwawayDatabase();
    const isolated = await startServer({ DATABASE_URL: database.url, DATABASE_DIRECT_URL: elsewhere.url });
    expect(await readiness(isolated.http)).toBe('degraded');
    const { tokens } = await register(one);
    expect(await outcome(isolated.http, tokens)).toBe(200);
    await logout(one, tokens);
    expect(await outcome(isolated.http, tokens)).toBe('session_revoked');
    expect(await readiness(isolated.http)).toBe('degraded');
    await isolated.stop('SIGKILL');
    await elsewhere.drop();
  });

  it('by logout that races a refresh at another leaves no active session or token', async () => {
    const { email } = await register(one);
    const outcomes = new Set<string>();
    for (let round = 0; round < 40 || (outcomes.size < 2 && round < 400); round++) {
      const tokens = await login(one, email);
      await whoami(two, tokens);
      const racing = refresh(two, tokens.refresh_token);
      await pause(round % 6);
      const [refreshed, left] = await Promise.all([racing, logout(three, tokens)]);
      expect(left.status).toBe(204);
      outcomes.add(refreshed.status === 200 ? 'refreshed' : refreshed.body.code!);
      const last = refreshed.status === 200 ? refreshed.body : tokens;
      expect((await refresh(one, last.refresh_token)).body).toMatchObject({ code: 'session_revoked', terminal: true });
      for (const http of [one, two, three])
        await expect.poll(() => outcome(http, last), PATIENCE).toBe('session_revoked');
    }
    // Each of the two has won at least once.
    expect(outcomes).toEqual(new Set(['refreshed', 'session_revoked']));
  });

  it('is sent in messages below 8,000 bytes; a refresh sends none', async () => {
    const messages: string[] = [];
    const listener = new pg.Client({ connectionString: database.url });
    await listener.connect();
    listener.on('notification', ({ payload = '' }) => messages.push(payload));
    await listener.query('LISTEN latchkey_revocations');

    const { email, tokens } = await register(one);
    let newest = tokens;
    for (let i = 0; i < 5; i++) newest = (await refresh(two, newest.refresh_token)).body;
    await whoami(two, newest);
    // Acknowledged, and old enough to be rotated.
    await expect
      .poll(
        async () => claimsOf((newest = (await refresh(two, newest.refresh_token)).body).refresh_token)['gen'],
        PATIENCE,
      )
      .toBe(2);
    await listener.query('SELECT 1');
    expect(messages).toEqual([]);

    const others: TokenResponse[] = [];
    for (let i = 0; i < 20; i++)
      others.push(...(await Promise.all(Array.from({ length: 10 }, () => login(one, email)))));
    await one.delete('/sessions?except=current', { token: newest.access_token });
    await listener.query('SELECT 1');
    expect(messages.map((message) => JSON.parse(message).length)).toEqual([90, 90, 20]);
    expect(Math.max(...messages.map((message) => Buffer.byteLength(message)))).toBeLessThan(8000);
    for (const other of others) await expect.poll(() => outcome(three, other), PATIENCE).toBe('session_revoked');
    await listener.end();
  });
});
