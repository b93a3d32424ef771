import type { Challenge } from 'altcha-lib/types';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PasswordHasher } from '../../src/passwords/password-hasher.js';
import { UsersService } from '../../src/users/users.service.js';
import type { TestApp } from '../support/app/app.js';
import { challengingApp, encode, expectChallenge, solve, withSolution } from '../support/app/challenges.js';
import { expectLimited, from, limitedApp, signIn } from '../support/app/limits.js';
import { countedDuring } from '../support/app/scrape-metrics.js';
import { PASSWORD, someEmail } from '../support/app/users.js';
import type { TokenResponse } from '../support/http/http.js';
import { expectProblem, send, stateOf } from '../support/http/problems.js';

const WRONG = 'not the password at all';
const RATE_LIMIT_OVERRIDES = 'register-address=12/1h,mail-address=12/1h,password-address=40/10m';
const SOFT = { 'POST /auth/register': 3, 'POST /auth/password/forgot': 3, 'POST /auth/login': 10 } as const;
type Route = keyof typeof SOFT;
const ROUTES = Object.keys(SOFT) as Route[];

let addresses = 0;
/** An address in a network of its own. */
const someAddress = () => `198.18.${++addresses}.1`;

describe.each([
  ['without PROOF_OF_WORK', () => limitedApp({ RATE_LIMIT_OVERRIDES })],
  ['below the soft limits', () => challengingApp()],
])('%s', (_, start) => {
  let test: TestApp;
  beforeAll(async () => {
    test = await start();
  });
  afterAll(() => test.close());

  it.each(ROUTES)('no request needs a challenge: %s', async (route) => {
    const address = someAddress();
    for (let i = 0; i < 7; i++) {
      expectProblem(await send(test.http, route, from(address, { json: {} })), 400, 'validation_failed');
    }
  });
});

describe('a proof of work', { timeout: 120_000 }, () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await challengingApp({ RATE_LIMIT_OVERRIDES });
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => test.close());

  const sendFrom = (address: string, route: Route, header?: string, json: object = {}) =>
    send(test.http, route, header === undefined ? from(address, { json }) : withSolution(address, header, { json }));

  /** A new user, registered from an address of their own. */
  const newUser = async () => {
    const email = someEmail();
    const json = { email, password: PASSWORD };
    const { status, body } = await send(test.http, 'POST /auth/register', from(someAddress(), { json }));
    expect(status).toBe(201);
    return { email, tokens: body as unknown as TokenResponse };
  };

  /** An address that has used up the soft limit of a route, and its first challenge. */
  const overSoftLimit = async (route: Route): Promise<{ address: string; challenge: Challenge }> => {
    const address = someAddress();
    for (let i = 0; i < SOFT[route]; i++) {
      expectProblem(await sendFrom(address, route), 400, 'validation_failed');
    }
    return { address, challenge: expectChallenge(await sendFrom(address, route)) };
  };

  it.each(ROUTES)('is required beyond the soft limit of an address, for each request: %s', async (route) => {
    const { address, challenge } = await overSoftLimit(route);
    expectProblem(await sendFrom(address, route, await solve(challenge)), 400, 'validation_failed');
    expectChallenge(await sendFrom(address, route));
    expectProblem(await sendFrom(someAddress(), route), 400, 'validation_failed');
  });

  it('lets a registration and a sign-in go on', async () => {
    const account = { email: someEmail(), password: PASSWORD };
    const registration = await overSoftLimit('POST /auth/register');
    const registered = await sendFrom(
      registration.address,
      'POST /auth/register',
      await solve(registration.challenge),
      account,
    );
    expect(registered.status).toBe(201);
    const login = await overSoftLimit('POST /auth/login');
    const signedIn = await sendFrom(login.address, 'POST /auth/login', await solve(login.challenge), account);
    expect(signedIn.status).toBe(200);
  });

  it('is not required on other routes of the same families', async () => {
    const { tokens } = await newUser();
    const mails = await overSoftLimit('POST /auth/password/forgot');
    const passwords = await overSoftLimit('POST /auth/login');
    const token = tokens.access_token;
    const mail = await send(test.http, 'POST /auth/email/verification', from(mails.address, { token, json: {} }));
    const proof = { token, json: { password: PASSWORD } };
    const again = await send(test.http, 'POST /auth/reauthenticate', from(passwords.address, proof));
    expect([mail.status, again.status]).toEqual([202, 200]);
  });

  it('comes before anything is looked up, hashed or stored', async () => {
    const { email } = await newUser();
    const login = await overSoftLimit('POST /auth/login');
    const registration = await overSoftLimit('POST /auth/register');
    const stored = async () => [
      await stateOf(test),
      await test.dataSource.query('SELECT * FROM password_throttles ORDER BY key'),
      await test.dataSource.query('SELECT id FROM outbox ORDER BY id'),
    ];
    const before = await stored();
    const hasher = test.app.get(PasswordHasher);
    const spies = [
      vi.spyOn(test.app.get(UsersService), 'findByEmail'),
      vi.spyOn(hasher, 'verify'),
      vi.spyOn(hasher, 'hash'),
    ];
    const json = { email, password: WRONG };
    expectChallenge(await sendFrom(login.address, 'POST /auth/login', undefined, json));
    expectChallenge(await sendFrom(registration.address, 'POST /auth/register', undefined, json));
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    expect(await stored()).toEqual(before);
  });

  it('is refused where it is wrong, and counted', async () => {
    const route = 'POST /auth/login';
    const { address, challenge } = await overSoftLimit(route);
    const counted = await countedDuring(test.http, async () => {
      expectChallenge(
        await sendFrom(address, route, encode(challenge, { counter: 1, derivedKey: challenge.parameters.keyPrefix })),
      );
      expectChallenge(await sendFrom(address, route, 'nonsense'));
      expectProblem(await sendFrom(address, route, await solve(challenge)), 400, 'validation_failed');
    });
    expect(counted).toMatchObject({
      'latchkey_challenges_total{outcome="invalid"}': 2,
      'latchkey_challenges_total{outcome="issued"}': 2,
      'latchkey_challenges_total{outcome="solved"}': 1,
      'latchkey_logins_total{outcome="challenge_required"}': 2,
    });
  });

  it('is refused after 5 minutes', async () => {
    const route = 'POST /auth/register';
    const { address, challenge } = await overSoftLimit(route);
    const header = await solve(challenge);
    test.clock.move('5m');
    expectChallenge(await sendFrom(address, route, header));
  });

  it('is refused for another purpose', async () => {
    const { address, challenge } = await overSoftLimit('POST /auth/register');
    const header = await solve(challenge);
    for (const route of ['POST /auth/password/forgot', 'POST /auth/login'] as const) {
      const other = await overSoftLimit(route);
      expectChallenge(await sendFrom(other.address, route, header));
    }
    expectProblem(await sendFrom(address, 'POST /auth/register', header), 400, 'validation_failed');
  });

  it('is accepted once, also of parallel requests', async () => {
    const route = 'POST /auth/login';
    const { address, challenge } = await overSoftLimit(route);
    const header = await solve(challenge);
    const counted = await countedDuring(test.http, async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => sendFrom(address, route, header)));
      expect(all.filter(({ status }) => status === 400)).toHaveLength(1);
      for (const response of all.filter(({ status }) => status !== 400)) expectChallenge(response);
    });
    expect(counted).toMatchObject({
      'latchkey_challenges_total{outcome="solved"}': 1,
      'latchkey_challenges_total{outcome="replayed"}': 19,
    });
    const { address: another } = await overSoftLimit(route);
    expectChallenge(await sendFrom(another, route, header));
  });

  it('is no way around the hard limit', async () => {
    const route = 'POST /auth/register';
    let { address, challenge } = await overSoftLimit(route);
    for (let used = SOFT[route] + 1; used < 12; used += 2) {
      expectProblem(await sendFrom(address, route, await solve(challenge)), 400, 'validation_failed');
      const next = await sendFrom(address, route);
      if (next.status === 403) challenge = expectChallenge(next);
    }
    expectLimited(await sendFrom(address, route, await solve(challenge)), 'register-address');
  });

  describe('of an account', () => {
    const guess = (json: object, header?: string) => sendFrom(someAddress(), 'POST /auth/login', header, json);

    it.each(['known', 'unknown'])('is required from 5 failures on, once the delay is over: %s', async (kind) => {
      const { email } = kind === 'known' ? await newUser() : { email: someEmail() };
      for (let i = 0; i < 5; i++) expectProblem(await guess({ email, password: WRONG }), 401, 'invalid_credentials');
      test.clock.standStill(test.clock.now());
      const counted = await countedDuring(test.http, async () => {
        expectLimited(await guess({ email, password: PASSWORD }), 'password-account');
      });
      expect(counted).toMatchObject({
        'latchkey_rate_limited_total{limit="password-account"}': 1,
        'latchkey_logins_total{outcome="rate_limited"}': 1,
      });
      test.clock.move('1s');
      const first = expectChallenge(await guess({ email: email.toUpperCase(), password: PASSWORD }));
      const failures = () => test.dataSource.query('SELECT max(failures) AS failures FROM password_throttles');
      const [before] = await failures();
      expect(before.failures).toBe(5);
      expectProblem(await guess({ email, password: WRONG }, await solve(first)), 401, 'invalid_credentials');
      test.clock.move('2s');
      const second = expectChallenge(await guess({ email, password: PASSWORD }));
      const last = await guess({ email, password: PASSWORD }, await solve(second));
      expect(last.status).toBe(kind === 'known' ? 200 : 401);
      await test.dataSource.query('DELETE FROM password_throttles');
    });

    it('is not required of a known device, also at an address over the soft limit', async () => {
      const { email, tokens } = await newUser();
      const { address } = await overSoftLimit('POST /auth/login');
      for (let i = 0; i < 5; i++) await guess({ email, password: WRONG });
      test.clock.move('1s');
      expectChallenge(await guess({ email, password: PASSWORD }));
      const { device_token } = tokens;
      const known = await signIn(test.http, address, { email, password: PASSWORD, device_token });
      expect(known.status).toBe(200);
    });
  });
});
