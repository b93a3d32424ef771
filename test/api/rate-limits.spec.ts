import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  POLICY_NAMES,
  RATE_LIMIT_POLICIES,
  type LimitFamily,
  type PolicyName,
  type RateLimitPolicy,
} from '../../src/config/rate-limit-policies.js';
import type { TestApp } from '../support/app/app.js';
import { expectLimited, from, limitedApp, repeat, signIn } from '../support/app/limits.js';
import { countedDuring } from '../support/app/scrape-metrics.js';
import { PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import type { RequestOptions } from '../support/http/http.js';
import { send } from '../support/http/problems.js';
import { sectionOf } from '../support/pages/page-code.js';

type Request = [route: string, options?: RequestOptions];

/** A request of each family that fails early. */
const REQUESTS: Record<Exclude<LimitFamily, 'refresh'>, Request> = {
  password: ['POST /auth/login', { json: {} }],
  register: ['POST /auth/register', { json: {} }],
  mail: ['POST /limited/mail'],
  token: ['POST /auth/refresh', { json: { refresh_token: 'guessed' } }],
};
const policyOf = (name: PolicyName): RateLimitPolicy => RATE_LIMIT_POLICIES[name];
const requestOf = (name: PolicyName) => REQUESTS[policyOf(name).family as keyof typeof REQUESTS];
const namesBy = (key: RateLimitPolicy['key']) => POLICY_NAMES.filter((name) => policyOf(name).key === key);
const pointsOf = (name: PolicyName) => policyOf(name).points;

describe('the table of docs/operations.md', () => {
  it('has every limit with its values', () => {
    const rows = sectionOf(readFileSync('docs/operations.md', 'utf8'), 'Rate limits')
      .split('\n')
      .filter((line) => /^\| `(?!password-(account|device|session)|code-)/.test(line))
      .map((line) =>
        line
          .split('|')
          .map((cell) => cell.trim().replaceAll('`', ''))
          .slice(1, -1),
      );
    const plural = { failure: 'failures', attempt: 'attempts' };
    const inWords = (ms: number) => (ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`);
    const expected = POLICY_NAMES.map((name) => {
      const { key, points, windowMs, counts, store } = policyOf(name);
      return [name, key, String(points), inWords(windowMs), plural[counts], store];
    });
    expect(rows).toEqual(expected);
  });
});

describe('a rate limit', { timeout: 120_000 }, () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await limitedApp();
  });
  afterAll(() => test.close());

  it.each(namesBy('address'))('%s allows N attempts of an address and refuses N + 1', async (name) => {
    const [route, options] = requestOf(name);
    const address = `192.0.2.${POLICY_NAMES.indexOf(name) + 1}`;
    const counts = await repeat(
      test,
      pointsOf(name),
      () => address,
      () => requestOf(name),
    );
    expect(counts[name]).toBeUndefined();
    const refused = await send(test.http, route, from(address, options));
    expect(expectLimited(refused, name)).toBeLessThanOrEqual(policyOf(name).windowMs / 1000);
    expect((await send(test.http, route, from('203.0.113.1', options))).status).not.toBe(429);
    test.clock.move(`${policyOf(name).windowMs}ms`);
    expect((await send(test.http, route, from(address, options))).status).not.toBe(429);
  });

  it.each(namesBy('network'))('%s allows N attempts of a network and refuses N + 1', async (name) => {
    const request = requestOf(name);
    const perAddress = pointsOf(name.replace('network', 'address') as PolicyName);
    const network = `198.51.${POLICY_NAMES.indexOf(name)}`;
    const counts = await repeat(
      test,
      pointsOf(name),
      (i) => `${network}.${Math.floor(i / perAddress) + 1}`,
      () => request,
    );
    expect(counts[name]).toBeUndefined();
    expect(counts[name.replace('network', 'address')]).toBeUndefined();
    const [route, options] = request;
    expectLimited(await send(test.http, route, from(`${network}.200`, options)), name);
    expect((await send(test.http, route, from('203.0.113.2', options))).status).not.toBe(429);
    test.clock.move(`${policyOf(name).windowMs}ms`);
    expect((await send(test.http, route, from(`${network}.200`, options))).status).not.toBe(429);
  });

  it('refresh-session allows N refreshes of a session and refuses N + 1', async () => {
    const { tokens } = await register(test.http);
    const exchange: Request = [
      'POST /oauth/token',
      { form: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token } },
    ];
    const inJson: Request = ['POST /auth/refresh', { json: { refresh_token: tokens.refresh_token } }];
    const points = pointsOf('refresh-session');
    const counts = await repeat(
      test,
      points,
      (i) => `198.18.${i % 250}.1`,
      (i) => (i % 2 ? exchange : inJson),
    );
    expect(counts).toEqual({ 200: points });
    for (const [route, options] of [exchange, inJson]) {
      expectLimited(await send(test.http, route, from('198.18.0.1', options)), 'refresh-session');
    }
    test.clock.move('1m');
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });

  // CVE-2026-45364
  it('counts an IPv6 client by its /64 and its /48, however it rotates its address', async () => {
    const inBlock = (i: number) => `2001:db8:1:1::${(i + 1).toString(16)}`;
    expect(await repeat(test, 60, inBlock, () => REQUESTS.password)).toEqual({ 400: 50, 'password-address': 10 });
    const inNetwork = (i: number) => `2001:db8:2:${(i + 1).toString(16)}::1`;
    expect(await repeat(test, 260, inNetwork, () => REQUESTS.password)).toEqual({ 400: 250, 'password-network': 10 });
    const elsewhere = await send(test.http, 'POST /auth/login', from('2001:db8:3::1', { json: {} }));
    expect(elsewhere.status).toBe(400);
  });

  it('counts parallel attempts as that many attempts', async () => {
    const all = await Promise.all(
      Array.from({ length: 200 }, () => send(test.http, 'POST /auth/login', from('203.0.113.77', { json: {} }))),
    );
    expect(all.filter(({ status }) => status === 400)).toHaveLength(50);
    expect(all.filter(({ status }) => status === 429)).toHaveLength(150);
  });

  it('does not use up the points of a network with refused requests of one address', async () => {
    const one = await repeat(
      test,
      400,
      () => '203.0.114.1',
      () => REQUESTS.password,
    );
    expect(one).toEqual({ 400: 50, 'password-address': 350 });
    const others = await repeat(
      test,
      150,
      (i) => `203.0.114.${2 + (i % 4)}`,
      () => REQUESTS.password,
    );
    expect(others).toEqual({ 400: 150 });
  });

  it('does not count successful sign-ins, of however many users behind one address', async () => {
    const { email } = await register(test.http);
    for (let i = 0; i < 60; i++) {
      expect((await signIn(test.http, '203.0.115.1', { email, password: PASSWORD })).status).toBe(200);
    }
  });

  it('counts what a page of another origin causes apart from what its visitor does', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const [route, options] = requestOf('mail-address');
    const foreign = { ...options, headers };
    expect(
      await repeat(
        test,
        pointsOf('mail-address') + 1,
        () => '192.0.8.1',
        () => [route, foreign],
      ),
    ).toEqual({
      204: pointsOf('mail-address'),
      'mail-address': 1,
    });
    expect((await send(test.http, route, from('192.0.8.1', options))).status).toBe(204);
  });

  it('keeps nobody out who is signed in, when neighbours at the address use it up', async () => {
    const neighbour = () => '192.0.9.1';
    const { email, tokens } = await register(test.http);
    await repeat(test, pointsOf('token-address'), neighbour, () => requestOf('token-address'));
    await repeat(test, pointsOf('password-address'), neighbour, () => requestOf('password-address'));
    const changed = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, a new one` };
    const send = (path: string, json: object, token?: string) =>
      test.http.post(path, from(neighbour(), { json, ...(token && { token }) }));

    expectLimited(await send('/auth/refresh', { refresh_token: 'guessed' }), 'token-address');
    expect((await send('/auth/refresh', { refresh_token: tokens.refresh_token })).status).toBe(200);
    const withToken = { email, password: PASSWORD };
    expectLimited(await send('/auth/login', withToken, tokens.access_token), 'password-address');
    expectLimited(await send('/auth/password', changed, 'forged'), 'password-address');
    expect((await send('/auth/password', changed, tokens.access_token)).status).toBe(200);
  });

  it('does not count errors of the server', async () => {
    const request: Request = ['GET /limited/broken'];
    for (let i = 0; i < 60; i++) expect((await send(test.http, request[0], from('203.0.116.1'))).status).toBe(500);
  });

  it('is counted in metrics, and as an outcome of a login', async () => {
    const address = '203.0.117.1';
    await repeat(
      test,
      50,
      () => address,
      () => REQUESTS.password,
    );
    const counted = await countedDuring(test.http, () =>
      send(test.http, 'POST /auth/login', from(address, { json: {} })),
    );
    expect(counted).toEqual({
      'latchkey_rate_limited_total{limit="password-address"}': 1,
      'latchkey_logins_total{outcome="rate_limited"}': 1,
    });
  });

  it('refuses before the body is validated and before anything is looked up', async () => {
    const address = '203.0.118.1';
    await repeat(
      test,
      50,
      () => address,
      () => REQUESTS.password,
    );
    for (const json of [{}, { email: someEmail(), password: PASSWORD }, { unknown: 1 }]) {
      expectLimited(await signIn(test.http, address, json), 'password-address');
    }
  });
});

describe('the settings of rate limits', () => {
  it('override single limits', async () => {
    const test = await limitedApp({ RATE_LIMIT_OVERRIDES: 'password-address=2/1m,mail-network=3/2h' });
    const counts = await repeat(
      test,
      5,
      () => '192.0.2.1',
      () => REQUESTS.password,
    );
    const mails = await repeat(
      test,
      5,
      (i) => `192.0.2.${i}`,
      () => REQUESTS.mail,
    );
    const refused = await send(test.http, 'POST /limited/mail', from('192.0.2.9'));
    await test.close();
    expect(counts).toEqual({ 400: 2, 'password-address': 3 });
    expect(mails).toEqual({ 204: 3, 'mail-network': 2 });
    expect(refused.headers.get('ratelimit-policy')).toBe('"mail-network";q=3;w=7200');
  });

  it('switch limits and throttling off', async () => {
    const test = await limitedApp({ RATE_LIMITS: 'off', RATE_LIMIT_OVERRIDES: 'password-address=2/1m' });
    const { email } = await register(test.http);
    const counts = await repeat(
      test,
      30,
      () => '192.0.2.1',
      () => ['POST /auth/login', { json: { email, password: 'wrong' } }],
    );
    await test.close();
    expect(counts).toEqual({ 401: 30 });
  });

  // CVE-2026-45364: the text of a header is no key.
  it('ignore forwarding headers without TRUST_PROXY', async () => {
    const test = await limitedApp({ TRUST_PROXY: 'off', RATE_LIMIT_OVERRIDES: 'password-address=20/1m' });
    const spoofed = (i: number): Request => {
      const ip = `198.51.100.${i}`;
      const names = ['x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-cluster-client-ip'];
      const headers = { ...Object.fromEntries(names.map((name) => [name, ip])), forwarded: `for=${ip}` };
      return ['POST /auth/login', { json: {}, headers }];
    };
    const counts = await repeat(test, 30, (i) => `198.51.100.${i}, 203.0.113.${i}`, spoofed);
    await test.close();
    expect(counts).toEqual({ 400: 20, 'password-address': 10 });
  });

  it('take the address that the trusted proxy added, not those before it', async () => {
    const test = await limitedApp({ TRUST_PROXY: '1', RATE_LIMIT_OVERRIDES: 'password-address=20/1m' });
    const counts = await repeat(
      test,
      30,
      (i) => `203.0.113.${i}, 192.0.2.7`,
      () => REQUESTS.password,
    );
    const junk = await repeat(
      test,
      30,
      (i) => `no-address-${i}`,
      () => REQUESTS.password,
    );
    await test.close();
    expect(counts).toEqual({ 400: 20, 'password-address': 10 });
    expect(junk).toEqual({ 400: 20, 'password-address': 10 });
  });

  it('let pages of CORS_ORIGINS read how long to wait', async () => {
    const origin = 'https://app.example.com';
    const test = await limitedApp({ CORS_ORIGINS: origin, RATE_LIMIT_OVERRIDES: 'password-address=1/1m' });
    const login = () => signIn(test.http, '192.0.2.1', {}, { headers: { origin, 'x-forwarded-for': '192.0.2.1' } });
    await login();
    const refused = await login();
    await test.close();
    expectLimited(refused, 'password-address');
    const exposed = refused.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['retry-after', 'ratelimit', 'ratelimit-policy']));
  });
});
