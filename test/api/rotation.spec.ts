import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, login, refresh, register } from '../support/app/users.js';
import type { TokenResponse } from '../support/http/http.js';

/** The rules of docs/rotation.md over HTTP, with C = 120 s and L = 60 s. */
describe('a session over its refreshes', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  /** Acknowledges the generation and moves the clock past the rotation interval, so that the refresh rotates. */
  async function rotate(tokens: { access_token: string; refresh_token: string }) {
    await use(tokens.access_token);
    test.clock.move('121s');
    const { status, body } = await refresh(test.http, tokens.refresh_token);
    expect(status).toBe(200);
    expect(claimsOf(body.refresh_token)['gen']).toBe(claimsOf(tokens.refresh_token)['gen'] + 1);
    return body;
  }

  async function use(accessToken: string) {
    const { status } = await test.http.get('/auth/whoami', { token: accessToken });
    await test.flush();
    return status;
  }

  async function storedIdleLimit({ session_id: id }: TokenResponse): Promise<number> {
    const [row] = await test.app
      .get(Database, { strict: false })
      .read<{ idle_expires_at: number }>('SELECT idle_expires_at FROM sessions WHERE id = $1::uuid', [id]);
    return row!.idle_expires_at;
  }

  it('keeps the refresh token within the rotation interval, with new access tokens', async () => {
    const { tokens } = await register(test.http);
    const first = await refresh(test.http, tokens.refresh_token);
    const second = await refresh(test.http, tokens.refresh_token);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(first.body.refresh_token).toBe(tokens.refresh_token);
    expect(second.body.access_token).not.toBe(first.body.access_token);
    expect(await use(second.body.access_token)).toBe(200);
  });

  it('rotates when the generation was acknowledged for the rotation interval', async () => {
    const { tokens } = await register(test.http);
    const next = await rotate(tokens);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect(next.session_id).toBe(tokens.session_id);
    expect(await use(next.access_token)).toBe(200);
  });

  it('resends the same token after a lost response, after any time', async () => {
    const { tokens } = await register(test.http);
    const lost = await rotate(tokens);
    test.clock.move('6d');
    const { status, body } = await refresh(test.http, tokens.refresh_token);
    expect(status).toBe(200);
    expect(body.refresh_token).toBe(lost.refresh_token);
  });

  it('extends the idle limit when it resends a lost response', async () => {
    const { tokens } = await register(test.http);
    await rotate(tokens);
    test.clock.move('6d');
    const resent = await refresh(test.http, tokens.refresh_token);
    expect(resent.body.refresh_expires_in).toBeGreaterThan(6.9 * 86_400);
    await test.flush();
    test.clock.move('6d');
    expect((await refresh(test.http, resent.body.refresh_token)).status).toBe(200);
  });

  it('stores an extended idle limit before its response, when less than half was left', async () => {
    const { tokens } = await register(test.http);
    const lost = await rotate(tokens);
    for (const presented of [tokens, lost]) {
      test.clock.move('4d');
      expect((await refresh(test.http, presented.refresh_token)).body.refresh_token).toBe(lost.refresh_token);
      expect((await storedIdleLimit(lost)) - test.clock.now()).toBeGreaterThan(6.9 * 86_400_000);
    }
  });

  it('issues the same new token to a second tab within the leeway', async () => {
    const { tokens } = await register(test.http);
    const first = await rotate(tokens);
    await use(first.access_token);
    test.clock.move('59s');
    const late = await refresh(test.http, tokens.refresh_token);
    expect(late.status).toBe(200);
    expect(late.body.refresh_token).toBe(first.refresh_token);
  });

  it('survives four tabs that resume after hours and a lost response', async () => {
    const { tokens } = await register(test.http);
    const lost = await rotate(tokens);
    test.clock.move('9h');
    const tabs = await Promise.all([1, 2, 3, 4].map(() => refresh(test.http, tokens.refresh_token)));
    expect(tabs.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(tabs.map(({ body }) => body.refresh_token))).toEqual(new Set([lost.refresh_token]));
  });

  it('is revoked when a rotated refresh token is replayed, and no other session is', async () => {
    const { email, tokens } = await register(test.http);
    const otherDevice = await login(test.http, email);
    const second = await rotate(tokens);
    const third = await rotate(second);

    const replay = await refresh(test.http, tokens.refresh_token);
    expect(replay.status).toBe(401);
    expect(replay.body).toMatchObject({ code: 'refresh_token_reused', terminal: true, session_id: tokens.session_id });
    expect(await use(third.access_token)).toBe(401);
    expect((await refresh(test.http, third.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      terminal: true,
      reason: 'reused',
    });
    expect((await refresh(test.http, otherDevice.refresh_token)).status).toBe(200);
  });

  it('detects a thief who rotates first and uses the token, at the victim’s refresh', async () => {
    const { tokens } = await register(test.http);
    await use(tokens.access_token);
    test.clock.move('121s');
    const thief = (await refresh(test.http, tokens.refresh_token)).body;
    expect(await use(thief.access_token)).toBe(200);
    test.clock.move('61s');

    const victim = await refresh(test.http, tokens.refresh_token);
    expect(victim.body).toMatchObject({ code: 'refresh_token_reused', terminal: true });
    expect(await use(thief.access_token)).toBe(401);
    expect((await refresh(test.http, thief.refresh_token)).body.code).toBe('session_revoked');
  });

  it('detects a thief who comes second, at the thief’s own refresh', async () => {
    const { tokens } = await register(test.http);
    const victim = await rotate(tokens);
    await use(victim.access_token);
    test.clock.move('61s');
    expect((await refresh(test.http, tokens.refresh_token)).body.code).toBe('refresh_token_reused');
  });

  it('expires after REFRESH_IDLE_TTL without use', async () => {
    const { tokens } = await register(test.http);
    test.clock.move('7d');
    const { status, body } = await refresh(test.http, tokens.refresh_token);
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: 'session_expired', terminal: true, reason: 'expired_idle' });
  });

  it('expires at SESSION_TTL despite use, and refresh_expires_in respects that', async () => {
    let { tokens } = await register(test.http);
    for (let day = 6; day < 30; day += 6) {
      await use(tokens.access_token);
      test.clock.move('6d');
      const { status, body } = await refresh(test.http, tokens.refresh_token);
      expect(status).toBe(200);
      tokens = body;
    }
    expect(tokens.refresh_expires_in).toBeLessThanOrEqual(6 * 86_400);
    test.clock.move('6d');
    expect((await refresh(test.http, tokens.refresh_token)).body).toMatchObject({
      code: 'session_expired',
      terminal: true,
      session_id: tokens.session_id,
    });
  });

  it('is never outlived by its access tokens', async () => {
    let { tokens } = await register(test.http);
    for (const durations of [...[1, 2, 3, 4].map(() => ['7d', '-5m']), ['2d', '15m']]) {
      for (const duration of durations) test.clock.move(duration);
      tokens = (await refresh(test.http, tokens.refresh_token)).body;
      await test.flush();
    }
    expect(tokens.expires_in).toBeLessThanOrEqual(300);
  });

  it('stays alive when its client refreshes every four days and calls no API', async () => {
    const { tokens } = await register(test.http);
    let refreshToken = tokens.refresh_token;
    for (let days = 4; days < 30; days += 4) {
      test.clock.move('4d');
      const { status, body } = await refresh(test.http, refreshToken);
      expect([days, status]).toEqual([days, 200]);
      expect(body.refresh_expires_in).toBeGreaterThan(Math.min(7, 30 - days) * 86_400 - 60);
      refreshToken = body.refresh_token;
      await test.flush();
    }
  });

  it('catches up with a newer token after a failover that lost commits', async () => {
    const { tokens } = await register(test.http);
    const second = await rotate(tokens);
    const third = await rotate(second);
    await test.dataSource.query(
      `UPDATE sessions SET generation = 1, acknowledged_generation = 1 WHERE id = '${tokens.session_id}'`,
    );
    const { status, body } = await refresh(test.http, third.refresh_token);
    expect(status).toBe(200);
    expect(claimsOf(body.refresh_token)['gen']).toBe(4);
  });

  it('derives its refresh token only from the row: the same string each time', async () => {
    const { tokens } = await register(test.http);
    const rotated = await rotate(tokens);
    const again = await Promise.all([1, 2, 3].map(() => refresh(test.http, tokens.refresh_token)));
    for (const { body } of again) expect(body.refresh_token).toBe(rotated.refresh_token);
  });
});
