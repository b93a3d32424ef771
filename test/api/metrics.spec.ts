import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { register as globalRegistry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '../../src/metrics/metrics.js';
import { REFUSED_BECAUSE } from '../../src/sessions/rotation.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { isPostgres } from '../support/database/database.js';
import type { RequestOptions } from '../support/http/http.js';
import { scrapeMetrics } from '../support/app/scrape-metrics.js';
import { refresh, register } from '../support/app/users.js';
import { expectProblem, expectSecurityHeaders } from '../support/http/problems.js';
import { sendRaw } from '../support/http/raw-http.js';
import { allRoutes } from '../support/app/routes.js';
import { watchStatements } from '../support/database/statements.js';

/** It looks random, so that production accepts it. */
const METRICS_TOKEN = 'scrapers-7hQz2LrXw9TbV4kMn0JcY6sD1fGp8aEe';
const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };
/** Methods that `fetch` refuses, or that no client sends. */
const ODD_METHODS = ['TRACE', 'PROPFIND', 'M-SEARCH', 'PURGE'];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const HTTP = 'http_request_duration_seconds';

describe('GET /metrics', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const labelsOf = (series: object, label: string) =>
    new Set(Object.keys(series).flatMap((name) => new RegExp(`\\b${label}="([^"]*)"`).exec(name)?.[1] ?? []));

  it('is open outside production, in the Prometheus format, and not cacheable', async () => {
    const response = await test.http.get<string>('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expectSecurityHeaders(response);
    for (const token of ['nonsense', METRICS_TOKEN])
      expect((await test.http.get('/metrics', { token })).status).toBe(200);
  });

  it('has exactly the metrics, types and labels of docs/operations.md', () => {
    const served = test.app.get(Metrics).registry.getMetricsAsArray() as unknown as Documented[];
    const expected = documented().filter(({ name }) => isPostgres || name !== 'latchkey_database_connections');
    expect(served.map(({ name, type, labelNames }) => ({ name, type, labelNames })).sort(byName)).toEqual(
      expected.sort(byName),
    );
  });

  it('has the process metrics of docs/operations.md, and a HELP text for each metric', async () => {
    const { types, text } = await scrapeMetrics(test.http);
    const named = [...page().matchAll(/`((?:process|nodejs)_\w+)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(4);
    expect(Object.keys(types)).toEqual(expect.arrayContaining(named));
    for (const name of Object.keys(types)) expect(text, name).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
  });

  it('counts each request once by method, route pattern and status, with its duration', async () => {
    const before = (await scrapeMetrics(test.http)).series;
    const { tokens } = await register(test.http);
    await test.http.delete(`/sessions/${tokens.session_id}`, { token: tokens.access_token });
    await test.http.get('/users/me?not=known');
    await test.http.send('HEAD', '/health/live', {});
    await test.http.get(`/nothing/${tokens.session_id}`);
    await test.http.post('/users/me');
    const { series } = await scrapeMetrics(test.http);
    const grown = Object.entries(series)
      .filter(([name]) => name.startsWith(`${HTTP}_count`))
      .map(([name, n]): [string, number] => [name.replace(`${HTTP}_count`, ''), n - (before[name] ?? 0)]);
    expect(Object.fromEntries(grown.filter(([, n]) => n > 0))).toEqual({
      '{method="POST",route="/auth/register",status="201"}': 1,
      '{method="DELETE",route="/sessions/:id",status="204"}': 1,
      '{method="GET",route="/users/me",status="401"}': 1,
      '{method="HEAD",route="/health/live",status="200"}': 1,
      '{method="GET",route="unmatched",status="404"}': 1,
      '{method="POST",route="unmatched",status="405"}': 1,
      '{method="GET",route="/metrics",status="200"}': 1,
    });
    const took = series[`${HTTP}_sum{method="POST",route="/auth/register",status="201"}`]!;
    expect(took).toBeGreaterThan(0.0005);
    expect(took).toBeLessThan(30);
  });

  it('adds no series for unknown paths, methods, queries or hosts', async () => {
    const word = () => randomBytes(6).toString('hex');
    const sendUnknown = async () => {
      for (const method of METHODS) {
        for (const path of [`/${word()}`, `/auth/${word()}?${word()}=1`, `/sessions/${word()}`, `/%${word()}`]) {
          await test.http.send(method, path, {});
        }
      }
      for (const method of ODD_METHODS) {
        await sendRaw(test.http.url, `${method} /${word()} HTTP/1.1\r\nHost: ${word()}\r\nConnection: close\r\n\r\n`);
      }
    };
    await sendUnknown();
    const { series: few } = await scrapeMetrics(test.http);
    for (let i = 0; i < 5; i++) await sendUnknown();
    const { series: many } = await scrapeMetrics(test.http);
    expect(Object.keys(many).filter(isOurs)).toEqual(Object.keys(few).filter(isOurs));
    const routes = allRoutes(test.app).map((route) => route.split(' ')[1]);
    expect([...routes, 'unmatched']).toEqual(expect.arrayContaining([...labelsOf(many, 'route')]));
    expect([...METHODS, 'other']).toEqual(expect.arrayContaining([...labelsOf(many, 'method')]));
  });

  it('contains no user, session, token or secret', async () => {
    const headers = { 'user-agent': 'canary', 'x-forwarded-for': 'canary', referer: 'https://canary.example' };
    const email = 'canary.user@canary.example';
    const password = 'the canary password is long';
    const { body } = await test.http.post('/auth/register', { headers, json: { email, password, name: 'Canary' } });
    await test.http.post('/auth/login', { headers, json: { email, password: 'a wrong canary password' } });
    await test.http.post('/auth/login', { headers, json: { canary: email, email, password } });
    await test.http.get('/auth/whoami', { headers, token: body.access_token });
    await refresh(test.http, body.refresh_token);
    await refresh(test.http, 'canary.canary.canary');
    await test.http.delete(`/sessions/${body.session_id}`, { headers, token: body.access_token });
    await refresh(test.http, body.refresh_token);
    await test.http.get('/canary/canary?canary=canary', { headers });
    await test.http.get('/metrics?canary=canary', { headers, token: 'canary' });
    const { text } = await scrapeMetrics(test.http);
    expect(text).not.toMatch(/canary/i);
    expect(text).not.toMatch(/@|eyJ|[0-9a-f]{8}-[0-9a-f]{4}-|127\.0\.0\.1/);
  });

  it('sends no statement to the database', async () => {
    // What earlier requests left to be written.
    await test.flush();
    const statements = watchStatements();
    await scrapeMetrics(test.http);
    const taken = statements.taken();
    statements.stop();
    expect(taken).toEqual([]);
  });

  it('counts for one application, not for earlier ones in the same process', async () => {
    expect(globalRegistry.getMetricsAsArray()).toEqual([]);
    const { body } = await test.http.post('/auth/login', { json: { email: 'nobody@example.com', password: 'x' } });
    expect(body.code).toBe('invalid_credentials');
    await test.close();
    test = await createTestApp();
    const { series, types } = await scrapeMetrics(test.http);
    expect(series['latchkey_logins_total{outcome="invalid_credentials"}']).toBe(0);
    expect(types['nodejs_eventloop_lag_p99_seconds']).toBe('gauge');
  });

  it('starts the counters of documented alerts at 0, so that a rate can be computed', async () => {
    await test.close();
    test = await createTestApp();
    const { series } = await scrapeMetrics(test.http);
    const codes = {
      refused: [...REFUSED_BECAUSE, 'refresh_token_invalid'],
      failed: ['database_unavailable', 'refresh_busy', 'internal_error'],
    };
    const expected = [
      ...['unchanged', 'rotated', 'resent', 'reused'].map(
        (outcome) => `latchkey_refreshes_total{outcome="${outcome}"}`,
      ),
      ...Object.entries(codes).flatMap(([outcome, all]) =>
        all.map((code) => `latchkey_refreshes_total{code="${code}",outcome="${outcome}"}`),
      ),
      ...['success', 'invalid_credentials', 'hashing_busy', 'database_unavailable', 'internal_error'].map(
        (outcome) => `latchkey_logins_total{outcome="${outcome}"}`,
      ),
    ];
    expect(series).toMatchObject(Object.fromEntries(expected.map((name) => [name, 0])));
  });

  it('does not keep a process alive by measuring its event loop', async () => {
    const script = `import { processMetrics } from './dist/src/metrics/process-metrics.js'; await processMetrics().metrics();`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
    await expect(run).resolves.toMatchObject({ stderr: '' });
  });
});

describe('GET /metrics in production', () => {
  let test: TestApp;
  afterEach(() => test.close());

  it('responds without METRICS_TOKEN exactly as an unknown path does', async () => {
    test = await createTestApp({ env: PRODUCTION });
    const seen = async (method: string, path: string, options: RequestOptions) => {
      const { status, headers, body } = await test.http.send(method, path, options);
      const kept = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
      return { status, headers: kept, body: { ...(body as object), requestId: undefined } };
    };
    for (const method of METHODS) {
      for (const options of [{}, { token: METRICS_TOKEN }, { token: '' }]) {
        expect(await seen(method, '/metrics', options)).toEqual(await seen(method, '/nothing', options));
      }
    }
    expectProblem(await test.http.get('/metrics'), 404, 'not_found');
  });

  it.each(['production', 'development'])(
    'requires METRICS_TOKEN when it is set, and accepts no other token: %s',
    async (NODE_ENV) => {
      test = await createTestApp({ env: { ...PRODUCTION, NODE_ENV, METRICS_TOKEN } });
      const { tokens } = await register(test.http);
      const wrong: RequestOptions[] = [
        {},
        ...[
          tokens.access_token,
          tokens.refresh_token,
          METRICS_TOKEN.slice(0, -1),
          `${METRICS_TOKEN}x`,
          METRICS_TOKEN.toUpperCase(),
          `"${METRICS_TOKEN}"`,
          `x ${METRICS_TOKEN}`,
        ].map((token) => ({ token })),
        { headers: { authorization: METRICS_TOKEN } },
        { headers: { authorization: `Basic ${btoa(`metrics:${METRICS_TOKEN}`)}` } },
        { headers: { cookie: `token=${METRICS_TOKEN}`, 'x-metrics-token': METRICS_TOKEN } },
      ];
      for (const options of wrong) {
        const response = await test.http.get('/metrics', options);
        expect(expectProblem(response, 401, 'metrics_token_wrong').terminal).toBe(false);
        expect(response.headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
      }
      expectProblem(await test.http.get(`/metrics?access_token=${METRICS_TOKEN}`), 401, 'metrics_token_wrong');
      const twice = `Authorization: Bearer ${METRICS_TOKEN}\r\n`.repeat(2);
      const request = `GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${twice}\r\n`;
      expect([400, 401]).toContain((await sendRaw(test.http.url, request)).status);
      expect((await test.http.send('HEAD', '/metrics', {})).status).toBe(401);

      const { text } = await scrapeMetrics(test.http, { token: METRICS_TOKEN });
      expect(text).not.toContain(METRICS_TOKEN);
      expectProblem(await test.http.get('/users/me', { token: METRICS_TOKEN }), 401, 'access_token_invalid');
    },
  );
});

interface Documented {
  name: string;
  type: string;
  labelNames: string[];
}

const byName = (a: Documented, b: Documented) => a.name.localeCompare(b.name);
const isOurs = (series: string) => /^(latchkey|http)_/.test(series);
const page = () => readFileSync('docs/operations.md', 'utf8');

/** Parses the table of the page. Throws on a malformed row. */
function documented(): Documented[] {
  const [, table = ''] =
    /^\| metric +\| type +\| labels +\| what it means +\| alert on +\|\n((?:\|.*\n)+)/m.exec(page()) ?? [];
  const [, ...rows] = table.trim().split('\n');
  return rows.map((line) => {
    const [, name = '', type = '', labels = '', meaning] =
      /^\| `(\w+)` +\| (counter|gauge|histogram) +\| ([^|]*)\| (\S[^|]*)\| [^|]*\|$/.exec(line) ?? [];
    if (!meaning) throw new Error(`Not a row: ${line}`);
    return { name, type, labelNames: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) };
  });
}
