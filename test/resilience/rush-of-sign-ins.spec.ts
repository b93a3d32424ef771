import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UsersService } from '../../src/users/users.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { PASSWORD, refresh, register, registerMany } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { Rows } from '../support/database/rows.js';

let test: TestApp;

const withPassword = (email: string, password: string) => test.http.post('/auth/login', { json: { email, password } });
const rows = new Rows(() => test);

describe('a server during a burst of sign-ins', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    test = await createTestApp({ env: { TRUST_PROXY: 'loopback', BCRYPT_COST: '8' } });
  });
  afterAll(() => test.close());

  it('sheds load with 503 and Retry-After, and keeps serving other routes', async () => {
    const users = await registerMany(test.http, 10);
    const { tokens } = users[0]!;
    const names = users.flatMap(({ email }) => Array.from({ length: 20 }, () => email));
    let waiting = names.length;
    const burst = Promise.all(names.map((email) => withPassword(email, PASSWORD).finally(() => (waiting -= 1))));
    const others = await Promise.all([
      refresh(test.http, tokens.refresh_token),
      ...['/health/live', '/health/ready', '/auth/whoami', '/users/me'].map((path) =>
        test.http.get(path, { token: tokens.access_token }),
      ),
    ]);
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(waiting).toBeGreaterThan(0);

    const responses = await burst;
    const refused = responses.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(responses.length - refused.length).toBeGreaterThan(0);
    for (const response of refused) {
      expect(expectProblem(response, 503, 'hashing_busy').terminal).toBe(false);
      expect(response.headers.get('retry-after')).toBe('5');
    }
    const active = await Promise.all(users.map(({ email }) => rows.activeSessions(email)));
    expect(active.flat()).toHaveLength(users.length + responses.length - refused.length);
    expect((await withPassword(users[0]!.email, PASSWORD)).status).toBe(200);
  });

  it('looks up four users at once at most, so that others get connections', async () => {
    const { email } = await register(test.http);
    const users = test.app.get(UsersService, { strict: false });
    const find = users.findByEmail.bind(users);
    let [atOnce, most] = [0, 0];
    const spy = vi.spyOn(users, 'findByEmail').mockImplementation(async (address) => {
      most = Math.max(most, ++atOnce);
      return find(address).finally(() => (atOnce -= 1));
    });
    await Promise.all(Array.from({ length: 50 }, () => withPassword(email, PASSWORD)));
    spy.mockRestore();
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('lets users of other networks sign in during a flood from one', async () => {
    const { email } = await register(test.http);
    const signIn = (address: string, password: string) =>
      test.http.post('/auth/login', { json: { email, password }, headers: { 'x-forwarded-for': address } });
    const over = new AbortController();
    const flood = Array.from({ length: 160 }, async (_, i) => {
      while (!over.signal.aborted) {
        await signIn(`192.0.2.${i}`, 'not the password of anybody');
        await sleep(1000);
      }
    });
    const refusals: string[] = [];
    for (let i = 0; i < 16; i += 4) {
      const group = [0, 1, 2, 3].map((n) => signIn(`198.51.${i + n}.7`, PASSWORD));
      for (const { status, body } of await Promise.all(group))
        if (status !== 200) refusals.push(`${status} ${body.code}`);
    }
    over.abort();
    await Promise.all(flood);
    // 15 of 16 succeed.
    expect(refusals.slice(1)).toEqual([]);
  });
});
