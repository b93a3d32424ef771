import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.js';
import type { Identity } from '../../src/identity/identity.js';
import { createDocument } from '../../src/openapi/document.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import type { TokenResponse } from '../support/http/http.js';
import { claimsOf, login, register } from '../support/app/users.js';
import { expectProblem, send } from '../support/http/problems.js';
import { sendRaw } from '../support/http/raw-http.js';
import { allRoutes } from '../support/app/routes.js';
import { TeamModule } from '../support/app/team-module.js';

/** Every route without a guard. A route that is not listed must be guarded. */
const OPEN = [
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /health/live',
  'GET /health/ready',
  'POST /auth/email/change/confirm',
  'POST /auth/email/change/undo',
  'POST /auth/email/verify',
  'POST /auth/login',
  'POST /auth/password/forgot',
  'POST /auth/password/reset',
  'POST /auth/refresh',
  'POST /auth/register',
  'POST /oauth/revoke',
  'POST /oauth/token',
  // test/support/app/team-module.ts
  'GET /lobby',
  'GET /lobby/contradiction',
  'GET /team/open',
];
/** Accepts a refresh token instead; without any token it responds as a guarded route does. */
const OPEN_TO_REFRESH_TOKENS = 'POST /auth/logout';
/** Accepts a refresh token in the body, or in a cookie. */
const OPEN_TO_COOKIES = 'POST /auth/refresh';
/** Accepts an access token, which shows that the browser is that of the account. */
const OPEN_TO_CALLERS = 'POST /auth/email/verify';
/** Accepts METRICS_TOKEN when it is set: metrics.spec.ts. */
const OPEN_TO_SCRAPERS = 'GET /metrics';
/** Requires client credentials instead. */
const OPEN_TO_CLIENTS = 'POST /oauth/introspect';
/** Swagger UI and its document: only with SWAGGER=on. */
const DOCS = [
  'GET /docs',
  'GET /docs/',
  'GET /docs/*',
  'GET /docs/LICENSE',
  'GET /docs/docs/swagger-ui-init.js',
  'GET /docs/index.html',
  'GET /docs/swagger-ui-init.js',
  'GET /openapi.json',
];

/** The start page and the demo: never in production. */
const DEMO = [
  'GET /',
  'GET /demo',
  'GET /demo/',
  'GET /demo/challenge-worker.js',
  'GET /demo/index.css',
  'GET /demo/index.html',
  'GET /demo/index.js',
];

/** Mail that is not sent: never in production. */
const DEV_MAIL = ['GET /dev/mail', 'GET /dev/mail.json'];
/** The same, and without such a mail it responds 404. */
const DEV_MAIL_BY_ID = 'GET /dev/mail/:id';

describe('guards', () => {
  let test: TestApp;
  let tokens: TokenResponse;
  let token: string;
  beforeAll(async () => {
    test = await createTestApp({ imports: [TeamModule], env: { SWAGGER: 'on' } });
    ({ tokens } = await register(test.http));
    token = tokens.access_token;
  });
  afterAll(() => test.close());

  const withId = (route: string) => route.replaceAll(/:\w+/g, tokens.session_id);

  it('require an access token on every route that is not listed as open', async () => {
    const open = new Set<string>();
    for (const route of allRoutes(test.app)) {
      const response = await send(test.http, withId(route));
      const isHead = route.startsWith('HEAD ');
      const asks = response.status === 401 && response.headers.get('www-authenticate') === 'Bearer realm="latchkey"';
      if (!asks || (!isHead && response.body.code !== 'access_token_missing')) open.add(route.replace(/^HEAD/, 'GET'));
      else if (!isHead) expectProblem(response, 401, 'access_token_missing');
    }
    expect([...open].sort()).toEqual(
      [...OPEN, OPEN_TO_CLIENTS, OPEN_TO_SCRAPERS, ...DOCS, ...DEMO, ...DEV_MAIL, DEV_MAIL_BY_ID].sort(),
    );
  });

  it('protect every route that the OpenAPI document does not describe as open', async () => {
    const documented = Object.entries(createDocument(test.app, test.app.get(Config)).paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { security?: unknown[] }>).map(([method, { security }]) => ({
        route: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        open: security?.length === 0,
        optional: security?.some((requirement) => Object.keys(requirement as object).length === 0),
      })),
    );
    expect(allRoutes(test.app)).toEqual(expect.arrayContaining(documented.map(({ route }) => route)));
    const open = documented.filter((operation) => operation.open).map(({ route }) => route);
    expect([...open, OPEN_TO_CALLERS, OPEN_TO_COOKIES].sort()).toEqual([...OPEN].sort());
    const toClients = await send(test.http, OPEN_TO_CLIENTS);
    expect([toClients.status, toClients.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="latchkey"']);
    const optional = documented.filter((operation) => operation.optional).map(({ route }) => route);
    expect(optional.sort()).toEqual([OPEN_TO_SCRAPERS, OPEN_TO_CALLERS, OPEN_TO_REFRESH_TOKENS, OPEN_TO_COOKIES]);
  });

  it('pass on the status and text of a team’s HttpException as a problem response', async () => {
    const conflict = await test.http.get('/team/conflict', { token });
    expectProblem(conflict, 409, 'request_refused');
    expect(conflict.body).toMatchObject({ status: 409, detail: 'Another request was faster.' });
    const bad = await test.http.post('/team/bad', { token });
    expectProblem(bad, 400, 'request_refused');
    expect(bad.body.detail).toBe('There is no colour 7.');
  });

  it('run a team’s own validation rules, asynchronous ones too', async () => {
    expect((await test.http.post('/teams', { token, json: { name: 'free' } })).body).toEqual({ name: 'free' });
    const taken = await test.http.post('/teams', { token, json: { name: 'taken' } });
    expect(expectProblem(taken, 400, 'validation_failed').errors).toEqual([
      { field: 'name', message: 'This name is taken.' },
    ]);
  });

  it('protect a team’s controller by default', async () => {
    for (const route of ['GET /team', 'POST /team', 'GET /team?access_token=x', 'HEAD /team']) {
      expect((await send(test.http, route)).status).toBe(401);
    }
    expect((await test.http.post('/team', { token })).body).toEqual({ done: true });
  });

  it('are lifted by @Public() on a handler or a controller, with any token or none', async () => {
    for (const path of ['/team/open', '/lobby']) {
      expect((await test.http.get(path)).body).toEqual({ open: true });
      expect((await test.http.get(path, { token })).body).toEqual({ open: true });
      expect((await test.http.get(path, { token: 'nonsense' })).body).toEqual({ open: true });
    }
  });

  it('pass the caller’s identity to the handler', async () => {
    const { sub, sid, gen, ver, iat, exp, auth_time } = claimsOf(token);
    const caller = (await test.http.get<Identity>('/team', { token })).body;
    expect(caller).toEqual({
      userId: sub,
      sessionId: sid,
      generation: gen,
      tokenVersion: ver,
      roles: [],
      issuedAt: iat * 1000,
      expiresAt: exp * 1000,
      authTime: auth_time * 1000,
    });
  });

  it('enforce @Roles(): 403 without the role, 200 with it', async () => {
    const { email, tokens: before } = await register(test.http);
    const guarded = ['/team/admin', '/team/either', '/vault'];
    for (const path of guarded) {
      const response = await test.http.get(path, { token: before.access_token });
      expectProblem(response, 403, 'insufficient_role');
      expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/);
    }
    await test.dataSource.query(`UPDATE users SET roles = '["admin"]' WHERE email = '${email}'`);
    const admin = await login(test.http, email);
    for (const path of guarded) expect((await test.http.get(path, { token: admin.access_token })).status).toBe(200);
    expect((await test.http.get('/auth/whoami', { token: admin.access_token })).body).toMatchObject({
      roles: ['admin'],
    });
  });

  it.each(['["Admin"]', '["administrator"]', '["user","admin "]', '["editor"]'])(
    'do not treat the roles %s as admin',
    async (roles) => {
      const other = await register(test.http);
      await test.dataSource.query(`UPDATE users SET roles = '${roles}' WHERE email = '${other.email}'`);
      const { access_token } = await login(test.http, other.email);
      const response = await test.http.get('/vault', { token: access_token });
      expect(expectProblem(response, 403, 'insufficient_role').terminal).toBe(false);
    },
  );

  it('refuse every caller on a route with both @Public() and @Roles()', async () => {
    for (const options of [{}, { token }]) {
      const response = await test.http.get('/lobby/contradiction', options);
      expect(expectProblem(response, 403, 'insufficient_role').terminal).toBe(false);
    }
  });

  it('read a token only from the Authorization header', async () => {
    expectProblem(await test.http.get(`/team?access_token=${token}`), 401, 'access_token_missing');
    expectProblem(
      await test.http.get('/team', { headers: { cookie: `access_token=${token}` } }),
      401,
      'access_token_missing',
    );
    expectProblem(await test.http.post('/team', { json: { access_token: token } }), 401, 'access_token_missing');
    expect((await test.http.post('/team', { form: { access_token: token } })).status).toBe(415);
  });

  it('accept the Bearer scheme in any case', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      expect((await test.http.get('/team', { headers: { authorization: `${scheme} ${token}` } })).status).toBe(200);
    }
  });

  it.each([
    ['no token', (): string => 'Bearer'],
    ['an empty token', (): string => 'Bearer  '],
    ['another scheme', (good: string) => `Basic ${good}`],
    ['no scheme', (good: string) => good],
    ['a quoted token', (good: string) => `Bearer "${good}"`],
    ['a word before', (good: string) => `x Bearer ${good}`],
    ['a word after', (good: string) => `Bearer ${good} b`],
    ['a word between', (good: string) => `Bearer b ${good}`],
    ['two in a list', (good: string) => `Bearer ${good}, Bearer ${good}`],
    ['a comma after', (good: string) => `Bearer ${good},`],
  ])('refuse an Authorization header with %s', async (_, header) => {
    const { status, body } = await test.http.get('/team', { headers: { authorization: header(token) } });
    expect(status).toBe(401);
    expect(['access_token_missing', 'access_token_invalid']).toContain(body.code);
  });

  it.each([
    ['a good and a bad one', (good: string) => [good, 'x']],
    ['a bad and a good one', (good: string) => ['x', good]],
    ['the same twice', (good: string) => [good, good]],
  ])('refuse two Authorization headers: %s', async (_, both) => {
    const lines = both(token).map((value) => `Authorization: Bearer ${value}\r\n`);
    const request = `GET /team HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.join('')}\r\n`;
    const { status } = await sendRaw(test.http.url, request);
    expect([400, 401]).toContain(status);
  });
});

describe('a server without SWAGGER', () => {
  it('has neither Swagger UI nor the OpenAPI document', async () => {
    const test = await createTestApp({ env: { SWAGGER: 'off' } });
    try {
      const responses = await Promise.all(DOCS.map((route) => send(test.http, route)));
      expect(new Set(responses.map(({ body }) => body.code))).toEqual(new Set(['not_found']));
    } finally {
      await test.close();
    }
  });
});
