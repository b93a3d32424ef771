import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { HashingQueue } from '../../src/passwords/hashing-queue.js';
import { PasswordHasher } from '../../src/passwords/password-hasher.js';
import { Database } from '../../src/database/database.js';
import { Problem } from '../../src/problem/problem.js';
import { PasswordThrottle } from '../../src/rate-limits/password-throttle.js';
import type { TestApp } from '../support/app/app.js';
import { expectLimited, limitedApp, repeat, signIn } from '../support/app/limits.js';
import { newCodeVerifier } from '../support/app/code-verifier.js';
import { login, PASSWORD, register, someEmail } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { nextMail } from '../support/mail/mails.js';

const WRONG = 'not the password at all';
/** An address of its own for each attempt: the limits by address do not interfere. */
const address = (i: number) => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;

describe('guesses at the password of one account', { timeout: 120_000 }, () => {
  let test: TestApp;
  let attempts = 0;
  beforeAll(async () => {
    test = await limitedApp();
    // A day is no real wait: the clock stands, and tests move it.
    test.clock.standStill(Date.now());
  });
  beforeEach(() => test.dataSource.query('DELETE FROM password_throttles'));
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => test.close());

  const guess = (email: string, password: string = WRONG, more: object = {}) =>
    signIn(test.http, address((attempts += 7919)), { email, password, ...more });
  const fail = async (email: string, times: number, more: object = {}) => {
    for (let i = 0; i < times; i++) expectProblem(await guess(email, WRONG, more), 401, 'invalid_credentials');
  };
  const hashed = () => vi.spyOn(test.app.get(PasswordHasher), 'verify');
  const setFailures = (failures: number) =>
    test.dataSource.query(`UPDATE password_throttles SET failures = ${failures}`);
  const rows = () => test.dataSource.query('SELECT failures FROM password_throttles ORDER BY failures');

  it.each(['known', 'unknown'])(
    'are free five times, then delayed for 1 s, 2 s, 4 s: of a %s account',
    async (kind) => {
      const email = someEmail();
      if (kind === 'known') await register(test.http, email);
      const verify = hashed();
      await fail(email, 5);
      for (const seconds of [1, 2, 4, 8]) {
        expect(expectLimited(await guess(email, PASSWORD), 'password-account')).toBe(seconds);
        test.clock.move(`${seconds * 1000 - 1}ms`);
        expect(expectLimited(await guess(email, PASSWORD), 'password-account')).toBe(1);
        test.clock.move('1ms');
        await fail(email, 1);
      }
      expect(verify).toHaveBeenCalledTimes(9);
    },
  );

  it('are forgotten by a sign-in from an unknown device', async () => {
    const { email } = await register(test.http);
    await fail(email, 5);
    test.clock.move('1s');
    expect((await guess(email, PASSWORD)).status).toBe(200);
    await fail(email, 5);
    expectLimited(await guess(email, PASSWORD), 'password-account');
  });

  it('are counted for the account, in every spelling of its address and as a form', async () => {
    const { email } = await register(test.http);
    await fail(email, 2);
    await fail(email.toUpperCase(), 2);
    await test.http.post('/auth/login', { form: { username: email, password: WRONG } });
    expectLimited(await guess(email, PASSWORD), 'password-account');
    expect(await rows()).toEqual([{ failures: 5 }]);
  });

  // Each mail allows 10 tries: without a bound over all mails an attacker who asks for more of them guesses on.
  it('by codes of mails are stopped after 100 wrong ones in a row; links are not', async () => {
    const { email } = await register(test.http);
    const asks = async () => {
      const { codeVerifier, codeChallenge } = newCodeVerifier();
      await test.http.post('/auth/password/forgot', { json: { email, codeChallenge } });
      return { ...(await nextMail(test.http, email, 'reset-password')), codeVerifier };
    };
    const resets = async (proof: object) => {
      const json = { ...proof, newPassword: `${PASSWORD}, a new one` };
      return (await test.http.post('/auth/password/reset', { json })).status;
    };
    const { code, codeVerifier } = await asks();
    const wrong = code === '000000' ? '111111' : '000000';
    expect(await resets({ code: wrong, codeVerifier })).toBe(400);
    await setFailures(99);
    expect(await resets({ code: wrong, codeVerifier })).toBe(400);
    const next = await asks();
    expect(await resets({ code: next.code, codeVerifier: next.codeVerifier })).toBe(400);
    expect(await resets({ token: next.token })).toBe(204);
    const last = await asks();
    expect(await resets({ code: last.code, codeVerifier: last.codeVerifier })).toBe(204);
  });

  // GHSA-7h8m-vrxx-vr4m
  it.each([0, 1])('are as many as they are when they are parallel, for an account with %i failures', async (before) => {
    const { email } = await register(test.http);
    await fail(email, before);
    const verify = hashed();
    const all = await Promise.all(Array.from({ length: 200 }, () => guess(email)));
    const tried = all.filter(({ status }) => status !== 429).length;
    expect(tried).toBe(5 - before);
    expect(verify).toHaveBeenCalledTimes(5 - before);
    expect(await rows()).toEqual([{ failures: 5 }]);
  });

  // NIST SP 800-63B-4 section 3.2.2
  it('stop unknown devices after 100 in a row, until the failures are cleared', async () => {
    const { email } = await register(test.http);
    const stopped = vi.fn();
    test.app.get(PasswordThrottle).onStopped(stopped);
    await fail(email, 1);
    await setFailures(98);
    test.clock.move('1h');
    await fail(email, 1);
    expect(stopped).not.toHaveBeenCalled();
    test.clock.move('1h');
    await fail(email, 1);
    await vi.waitFor(() => expect(stopped).toHaveBeenCalledTimes(1));
    expect(stopped).toHaveBeenCalledWith(expect.stringMatching(/^[0-9a-f-]{36}$/));
    for (const wait of ['0s', '2h', '60d']) {
      test.clock.move(wait);
      expectProblem(await guess(email, PASSWORD), 401, 'invalid_credentials');
    }
    expect(await rows()).toEqual([{ failures: 100 }]);
    expect(stopped).toHaveBeenCalledTimes(1);
    await test.app.get(PasswordThrottle).clear(email, test.app.get(Database));
    expect((await guess(email, PASSWORD)).status).toBe(200);
  });

  it('are accepted again after 99 in a row, and the count begins again', async () => {
    const { email } = await register(test.http);
    await fail(email, 1);
    await setFailures(99);
    test.clock.move('1h');
    expect((await guess(email, PASSWORD)).status).toBe(200);
    expect(await rows()).toEqual([]);
  });

  it('get the same response when stopped: of a known and of an unknown account', async () => {
    const { email } = await register(test.http);
    const unknown = someEmail();
    await fail(email, 1);
    await fail(unknown, 1);
    await setFailures(100);
    const stopped = vi.fn();
    test.app.get(PasswordThrottle).onStopped(stopped);
    const [a, b, c] = [
      await guess(email, PASSWORD),
      await guess(unknown, PASSWORD),
      await guess(someEmail(), PASSWORD),
    ];
    const shape = ({ status, headers, body }: typeof a) => ({
      status,
      body: { ...body, requestId: '' },
      headers: [...headers.keys()].sort(),
    });
    expect(shape(a)).toEqual(shape(c));
    expect(shape(b)).toEqual(shape(c));
    expect(stopped).not.toHaveBeenCalled();
  });

  it('are not counted when hashing is busy or the database fails', async () => {
    const { email } = await register(test.http);
    await fail(email, 4);
    const verify = hashed();
    for (const code of ['hashing_busy', 'database_unavailable'] as const) {
      verify.mockRejectedValueOnce(new Problem(code));
      expectProblem(await guess(email), 503, code);
    }
    expect(await rows()).toEqual([{ failures: 4 }]);
    await fail(email, 1);
    expectLimited(await guess(email), 'password-account');
    expect(test.app.get(HashingQueue).waiting).toBe(0);
  });

  describe('of a known device', () => {
    let email: string;
    let device: string;
    beforeEach(async () => {
      const { tokens, ...user } = await register(test.http);
      ({ email } = user);
      device = tokens.device_token!;
    });

    // Keycloak GHSA-cq42-vhv7-xr7p: lock-out as denial of service.
    it('do not depend on those of others: nobody can lock out somebody else', async () => {
      await fail(email, 1);
      for (const failures of [50, 100]) {
        await setFailures(failures);
        expect((await guess(email, PASSWORD)).status).not.toBe(200);
        expect((await guess(email, PASSWORD, { device_token: device })).status).toBe(200);
      }
      // A sign-in on a known device gives others no new guesses.
      expect(await rows()).toEqual([{ failures: 100 }]);
    });

    it('have a budget of their own, with the same delays', async () => {
      await fail(email, 5, { device_token: device });
      expectLimited(await guess(email, PASSWORD, { device_token: device }), 'password-device');
      await fail(email, 5);
      test.clock.move('1s');
      expect((await guess(email, PASSWORD, { device_token: device })).status).toBe(200);
      expect(await rows()).toEqual([{ failures: 5 }]);
    });

    it('are those of the browser that reset the password, while others go on guessing', async () => {
      await test.http.post('/auth/password/forgot', { json: { email } });
      const { token } = await nextMail(test.http, email, 'reset-password');
      const newPassword = `${PASSWORD}, a new one`;
      const headers = { origin: 'http://localhost:3000' };
      const reset = await test.http.post('/auth/password/reset', { json: { token, newPassword }, headers });
      const [cookie = ''] = reset.headers.getSetCookie().map((text) => text.split(';')[0]!);
      expect(cookie).toMatch(/^latchkey-device-/);
      await fail(email, 5);
      expectLimited(await guess(email, newPassword), 'password-account');
      const known = await signIn(test.http, address(1), { email, password: newPassword }, { headers: { cookie } });
      expect(known.status).toBe(200);
    });

    it('count as those of an unknown device after 10 failures', async () => {
      await fail(email, 1, { device_token: device });
      await setFailures(9);
      test.clock.move('1h');
      await fail(email, 1, { device_token: device });
      expect(await rows()).toEqual([{ failures: 10 }]);
      await fail(email, 5, { device_token: device });
      expectLimited(await guess(email, PASSWORD, { device_token: device }), 'password-account');
      test.clock.move('1s');
      expect((await guess(email, PASSWORD, { device_token: device })).status).toBe(200);
      expect(await rows()).toEqual([]);
    });

    it('are in the budget of unknown devices with a token of another account', async () => {
      const other = await register(test.http);
      await fail(email, 5, { device_token: other.tokens.device_token! });
      expectLimited(await guess(email, PASSWORD), 'password-account');
      expect((await guess(email, PASSWORD, { device_token: device })).status).toBe(200);
    });

    it('cannot be multiplied: a device keeps its id when it signs in again', async () => {
      const { device_token: renewed } = (await guess(email, PASSWORD, { device_token: device })).body;
      await fail(email, 3, { device_token: device });
      await fail(email, 2, { device_token: renewed });
      expectLimited(await guess(email, PASSWORD, { device_token: device }), 'password-device');
    });
  });

  describe('within a session', () => {
    const change = (token: string, currentPassword: string, i: number = (attempts += 7919)) =>
      test.http.post('/auth/password', {
        token,
        json: { currentPassword, newPassword: `${PASSWORD}, a new one` },
        headers: { 'x-forwarded-for': address(i) },
      });

    it('have a budget of their own: a thief of one cannot stop its owner elsewhere', async () => {
      const { email, tokens: stolen } = await register(test.http);
      const own = await login(test.http, email);
      for (let i = 0; i < 5; i++)
        expectProblem(await change(stolen.access_token, WRONG), 403, 'current_password_wrong');
      expectLimited(await change(stolen.access_token, PASSWORD), 'password-session');
      await setFailures(100);
      expectProblem(await change(stolen.access_token, PASSWORD), 403, 'current_password_wrong');
      expect((await guess(email, PASSWORD)).status).toBe(200);
      expect((await change(own.access_token, PASSWORD)).status).toBe(200);
    });

    it('that prove the password let unknown devices try again with the new one', async () => {
      const { email, tokens } = await register(test.http);
      await fail(email, 1);
      await setFailures(100);
      expect((await change(tokens.access_token, PASSWORD)).status).toBe(200);
      expect((await guess(email, `${PASSWORD}, a new one`)).status).toBe(200);
    });
  });
});

describe('brute force from one address', { timeout: 120_000 }, () => {
  let test: TestApp;
  beforeEach(async () => {
    test = await limitedApp();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await test.close();
  });
  const ATTACKER = '192.0.2.66';

  it.each([
    ['one account and 500 passwords', 5, (victim: string) => () => victim],
    ['500 accounts and one password (credential stuffing)', 50, () => (i: number) => `victim-${i}@example.com`],
  ])('with %s reaches the hasher %i times, and a known device signs in', async (_, most, target) => {
    const { email, tokens } = await register(test.http);
    test.clock.standStill(Date.now());
    const verify = vi.spyOn(test.app.get(PasswordHasher), 'verify');
    const emailOf = target(email);
    const counts = await repeat(
      test,
      500,
      () => ATTACKER,
      (i) => ['POST /auth/login', { json: { email: emailOf(i), password: `guess number ${i}` } }],
    );
    expect(verify.mock.calls.length).toBeLessThanOrEqual(most + (counts['503'] ?? 0));
    expect(counts['401']).toBeLessThanOrEqual(most);
    expect(counts['200']).toBeUndefined();
    const json = { email, password: PASSWORD };
    expect((await signIn(test.http, ATTACKER, json)).status).toBe(429);
    const known = await signIn(test.http, ATTACKER, { ...json, device_token: tokens.device_token });
    expect(known.status).toBe(200);
  });

  it('is not exempt with a forged device token, or one of another account', async () => {
    const { email, tokens } = await register(test.http);
    const other = await register(test.http);
    const stuff = (device_token: string) =>
      repeat(
        test,
        60,
        () => ATTACKER,
        (i) => ['POST /auth/login', { json: { email: `victim-${i}@example.com`, password: WRONG, device_token } }],
      );
    expect((await stuff(tokens.device_token!))['password-address']).toBeGreaterThanOrEqual(10);
    for (const device_token of [other.tokens.device_token!, `${tokens.device_token}x`, tokens.refresh_token, '']) {
      const refused = await signIn(test.http, ATTACKER, { email, password: PASSWORD, device_token });
      expectLimited(refused, 'password-address');
    }
  });
});

describe('the failures of an account', () => {
  it('survive a restart of the server', async () => {
    const test = await limitedApp();
    test.clock.standStill(Date.now());
    const { email } = await register(test.http);
    const wrong = { email, password: WRONG };
    for (let i = 0; i < 5; i++) expect((await signIn(test.http, address(i), wrong)).status).toBe(401);
    const restarted = await limitedApp({}, { databaseUrl: test.databaseUrl, clock: test.clock });
    const refused = await signIn(restarted.http, '203.0.113.9', { email, password: PASSWORD });
    await restarted.close();
    await test.close();
    expectLimited(refused, 'password-account');
  });
});
