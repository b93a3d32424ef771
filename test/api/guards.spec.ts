import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identity } from '../../src/identity/identity.js';
import { createDocument } from '../../src/openapi/document.js';
import { createTestApp, type TestApp } from '../support/app.js';
import type { TokenResponse } from '../support/http.js';
import { claimsOf, login, register } from '../support/people.js';
import { expectProblem, send } from '../support/problems.js';
import { sendRaw } from '../support/raw-http.js';
import { allRoutes } from '../support/routes.js';
import { TeamModule } from '../support/team-module.js';

/** Everything that answers without an access token. A route that is missing here has to be guarded. */
const OPEN = [
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /health/live',
  'GET /health/ready',
  'POST /auth/login',
  'POST /auth/refresh',
  'POST /auth/register',
  'POST /oauth/revoke',
  'POST /oauth/token',
  // test/support/team-module.ts
  'GET /lobby',
  'GET /lobby/contradiction',
  'GET /team/open',
];
/** Takes a refresh token instead, and without any says what a guarded route says. */
const OPEN_TO_REFRESH_TOKENS = 'POST /auth/logout';
/** Takes a token of its own where one is configured: metrics.spec.ts. */
const OPEN_TO_SCRAPERS = 'GET /metrics';
/** Asks for the credentials of a client instead. */
const OPEN_TO_CLIENTS = 'POST /oauth/introspect';
/** Swagger UI and its document: only where SWAGGER is on. */
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
const DEMO = ['GET /', 'GET /demo', 'GET /demo/', 'GET /demo/index.css', 'GET /demo/index.html', 'GET /demo/index.js'];

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

  it('let nobody in without an access token but where it is written down, whatever the route', async () => {
    const open = new Set<string>();
    for (const route of allRoutes(test.app)) {
      const answer = await send(test.http, withId(route));
      const isHead = route.startsWith('HEAD ');
      const asks = answer.status === 401 && answer.headers.get('www-authenticate') === 'Bearer realm="latchkey"';
      if (!asks || (!isHead && answer.body.code !== 'access_token_missing')) open.add(route.replace(/^HEAD/, 'GET'));
      else if (!isHead) expectProblem(answer, 401, 'access_token_missing');
    }
    expect([...open].sort()).toEqual([...OPEN, OPEN_TO_CLIENTS, OPEN_TO_SCRAPERS, ...DOCS, ...DEMO].sort());
  });

  it('stand before every documented route that is not documented as open', async () => {
    const documented = Object.entries(createDocument(test.app).paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, { security?: unknown[] }>).map(([method, { security }]) => ({
        route: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
        open: security?.length === 0,
        optional: security?.some((requirement) => Object.keys(requirement as object).length === 0),
      })),
    );
    expect(allRoutes(test.app)).toEqual(expect.arrayContaining(documented.map(({ route }) => route)));
    const open = documented.filter((operation) => operation.open).map(({ route }) => route);
    expect(open.sort()).toEqual([...OPEN].sort());
    const toClients = await send(test.http, OPEN_TO_CLIENTS);
    expect([toClients.status, toClients.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="latchkey"']);
    const optional = documented.filter((operation) => operation.optional).map(({ route }) => route);
    expect(optional.sort()).toEqual([OPEN_TO_SCRAPERS, OPEN_TO_REFRESH_TOKENS]);
  });

  it('let a team’s own code refuse in Nest’s words: its status and its text, in the form of every other refusal', async () => {
    const conflict = await test.http.get('/team/conflict', { token });
    expectProblem(conflict, 409, 'request_refused');
    expect(conflict.body).toMatchObject({ status: 409, detail: 'Somebody else was faster.' });
    const bad = await test.http.post('/team/bad', { token });
    expectProblem(bad, 400, 'request_refused');
    expect(bad.body.detail).toBe('There is no colour 7.');
  });

  it('leave a team’s own input to its rules, also to those that have to wait for an answer', async () => {
    expect((await test.http.post('/teams', { token, json: { name: 'free' } })).body).toEqual({ name: 'free' });
    const taken = await test.http.post('/teams', { token, json: { name: 'taken' } });
    expect(expectProblem(taken, 400, 'validation_failed').errors).toEqual([
      { field: 'name', message: 'This name is taken.' },
    ]);
  });

  it('protect the controller of a team that did nothing for it', async () => {
    for (const route of ['GET /team', 'POST /team', 'GET /team?access_token=x', 'HEAD /team']) {
      expect((await send(test.http, route)).status).toBe(401);
    }
    expect((await test.http.post('/team', { token })).body).toEqual({ done: true });
  });

  it('are opened by @Public(), on a handler and on a controller, with any token or none', async () => {
    for (const path of ['/team/open', '/lobby']) {
      expect((await test.http.get(path)).body).toEqual({ open: true });
      expect((await test.http.get(path, { token })).body).toEqual({ open: true });
      expect((await test.http.get(path, { token: 'nonsense' })).body).toEqual({ open: true });
    }
  });

  it('tell the handler who calls', async () => {
    const { sub, sid, gen, ver, iat, exp, auth_time } = claimsOf(token);
    const caller = (await test.http.get<Identity>('/team', { token })).body;
    expect(caller).toEqual({
      userId: sub,
      sessionId: sid,
      generation: gen,
      ver,
      roles: [],
      issuedAt: iat * 1000,
      expiresAt: exp * 1000,
      authTime: auth_time * 1000,
    });
  });

  it('hold @Roles(): 403 without the role, in with it', async () => {
    const { email, tokens: before } = await register(test.http);
    const guarded = ['/team/admin', '/team/either', '/vault'];
    for (const path of guarded) {
      const answer = await test.http.get(path, { token: before.access_token });
      expectProblem(answer, 403, 'insufficient_role');
      expect(answer.headers.get('www-authenticate')).toMatch(/error="insufficient_scope"/);
    }
    await test.dataSource.query(`UPDATE users SET roles = '["admin"]' WHERE email = '${email}'`);
    const admin = await login(test.http, email);
    for (const path of guarded) expect((await test.http.get(path, { token: admin.access_token })).status).toBe(200);
    expect((await test.http.get('/auth/whoami', { token: admin.access_token })).body).toMatchObject({
      roles: ['admin'],
    });
  });

  it.each(['["Admin"]', '["administrator"]', '["user","admin "]', '["editor"]'])(
    'take %s for no admin',
    async (roles) => {
      const other = await register(test.http);
      await test.dataSource.query(`UPDATE users SET roles = '${roles}' WHERE email = '${other.email}'`);
      const { access_token } = await login(test.http, other.email);
      const answer = await test.http.get('/vault', { token: access_token });
      expect(expectProblem(answer, 403, 'insufficient_role').terminal).toBe(false);
    },
  );

  it('let nobody into a route that is both open and for a role: there is nobody to have it', async () => {
    for (const options of [{}, { token }]) {
      const answer = await test.http.get('/lobby/contradiction', options);
      expect(expectProblem(answer, 403, 'insufficient_role').terminal).toBe(false);
    }
  });

  it('find a token in the header alone', async () => {
    expectProblem(await test.http.get(`/team?access_token=${token}`), 401, 'access_token_missing');
    expectProblem(
      await test.http.get('/team', { headers: { cookie: `access_token=${token}` } }),
      401,
      'access_token_missing',
    );
    expectProblem(await test.http.post('/team', { json: { access_token: token } }), 401, 'access_token_missing');
    expect((await test.http.post('/team', { form: { access_token: token } })).status).toBe(415);
  });

  it('know the scheme in any case', async () => {
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
  ])('let nobody in with %s in the header', async (_, header) => {
    const { status, body } = await test.http.get('/team', { headers: { authorization: header(token) } });
    expect(status).toBe(401);
    expect(['access_token_missing', 'access_token_invalid']).toContain(body.code);
  });

  it.each([
    ['a good and a bad one', (good: string) => [good, 'x']],
    ['a bad and a good one', (good: string) => ['x', good]],
    ['the same twice', (good: string) => [good, good]],
  ])('let nobody in with two Authorization headers: %s', async (_, both) => {
    const lines = both(token).map((value) => `Authorization: Bearer ${value}\r\n`);
    const request = `GET /team HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines.join('')}\r\n`;
    const { status } = await sendRaw(test.http.url, request);
    expect([400, 401]).toContain(status);
  });
});

describe('without SWAGGER', () => {
  it('there is neither a page nor a document', async () => {
    const test = await createTestApp({ env: { SWAGGER: 'off' } });
    try {
      const answers = await Promise.all(DOCS.map((route) => send(test.http, route)));
      expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['not_found']));
    } finally {
      await test.close();
    }
  });
});
