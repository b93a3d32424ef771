import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, TEST_SECRET } from '../support/app/app.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import type { HttpResponse, Http, RequestOptions } from '../support/http/http.js';
import { runProgram, type Program } from '../support/programs/programs.js';
import { sql } from '../support/database/sql.js';

interface Line {
  level: string;
  time: string;
  msg: string;
  reqId?: string;
  method?: string;
  route?: string | null;
  status?: number;
  code?: string;
  origin?: string;
  userId?: string;
  sessionId?: string;
  err?: { message: string; stack: string };
}
interface Sent {
  method: string;
  route: string | null;
  status: number;
  id: string | null;
}

/** Part of every secret, and of every attempt at log injection. */
const CANARY = 'canary';
const EMAIL = 'canary.user@canary.example';
const PASSWORD = 'the canary password is long';
const NEW_PASSWORD = 'another canary password is long';
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const FORGED_LINE = 'canary\\r\\n{"level":"fatal","msg":"forged"}%0d%0a\u0085canary';

describe('the log at LOG_LEVEL=trace', () => {
  let folder: string;
  let database: ThrowawayDatabase;
  let program: Program;
  let http: Http;
  let startedWith: string;
  const sent: Sent[] = [];
  const tokens: string[] = [];

  /** Sends secrets and forged log lines in every header. */
  async function send(method: string, route: string | null, path: string, options: RequestOptions = {}) {
    const headers = {
      'user-agent': FORGED_LINE,
      cookie: 'session=canary',
      referer: 'https://app.example/?token=canary',
      'x-request-id': 'canary-request-id',
      'x-forwarded-for': '192.0.2.66, canary',
      ...options.headers,
    };
    const response = (await http.send(method, path, { ...options, headers })) as HttpResponse<Record<string, string>>;
    sent.push({ method, route, status: response.status, id: response.headers.get('x-request-id') });
    for (const name of ['access_token', 'refresh_token']) tokens.push(response.body?.[name] ?? 'no token');
    return response;
  }
  const post = (path: string, options: RequestOptions) => send('POST', path.split('?')[0]!, path, options);

  async function signInAndOut(): Promise<void> {
    await post('/auth/register', { json: { email: EMAIL, password: PASSWORD, name: 'Canary Bird' } });
    await post('/auth/login', { form: { username: EMAIL, password: PASSWORD, client_secret: CANARY } });
    await post('/auth/login', { json: { email: EMAIL, password: 'a wrong canary password' } });
    await post('/auth/login', { json: { email: 'nobody@canary.example', password: PASSWORD } });
    const { access_token: token, refresh_token: first } = (
      await post('/auth/login?password=canary', { json: { email: EMAIL, password: PASSWORD } })
    ).body;
    await send('GET', '/auth/whoami', '/auth/whoami?access_token=canary', { token: token! });
    await send('PATCH', '/users/me', '/users/me', { token: token!, json: { name: 'Canary Birdie' } });
    const second = (await post('/auth/refresh', { json: { refresh_token: first } })).body;
    await post('/auth/refresh', { form: { refresh_token: second['refresh_token']! } });
    expect((await post('/auth/refresh', { json: { refresh_token: first } })).body['code']).toBe('refresh_token_reused');
    const { access_token: other } = (await post('/auth/login', { json: { email: EMAIL, password: PASSWORD } })).body;
    const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    const changed = (await post('/auth/password', { token: other!, json: passwords })).body;
    await send('DELETE', '/sessions/:id', '/sessions/canary', { token: changed['access_token']! });
    const { refresh_token } = (
      await post('/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: changed['refresh_token']! } })
    ).body;
    await post('/oauth/revoke', { form: { token: 'canary' } });
    await post('/oauth/revoke', { form: { token: refresh_token! } });
    await post('/auth/logout', { token: changed['access_token']!, json: { refresh_token } });
  }

  async function makeMistakes(): Promise<void> {
    await post('/auth/login', {
      json: { email: EMAIL, password: PASSWORD, canary: CANARY, nested: { token: CANARY } },
    });
    await post('/auth/login', { json: { email: [EMAIL], password: { canary: PASSWORD } } });
    await post('/auth/register?email=canary&email=canary', { json: {} });
    await post('/auth/register', { json: { email: `canary${'x'.repeat(70_000)}`, password: PASSWORD } });
    await post('/auth/register', { headers: { 'content-type': 'application/json' }, body: '{"password": canary}' });
    await post('/auth/register', { headers: { 'content-type': 'text/canary' }, body: CANARY });
    await post('/auth/refresh', { json: { refresh_token: 'canary.canary.canary' } });
    await post('/auth/refresh', { json: { refresh_token: { canary: CANARY } } });
    await send('GET', '/users/me', '/users/me', { token: 'canary.canary.canary' });
    await send('GET', '/users/me', '/users/me', { headers: { authorization: 'Basic canary' } });
    await post('/oauth/token', { form: { grant_type: 'canary' } });
    await send('GET', null, '/canary/canary?canary=canary');
    await send('GET', null, '/%canary');
    await new Promise((closed) => {
      const { port } = new URL(http.url);
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET /canary HTTP/1.1\r\ncanary canary\r\n\r\n'),
      );
      socket.on('close', closed).resume();
    });
  }

  /** The driver's error about a refused row contains all its values. */
  async function breakTheDatabase(): Promise<void> {
    await sql(
      database.url,
      isPostgres
        ? 'ALTER TABLE users ADD CONSTRAINT full_up CHECK (false) NOT VALID'
        : `CREATE TRIGGER full_up BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'full up'); END`,
    );
    const { body } = await post('/auth/register', { json: { email: `new.${EMAIL}`, password: PASSWORD } });
    expect(body['code']).toBe('internal_error');
    await sql(database.url, 'ALTER TABLE users RENAME TO nowhere');
    expect((await post('/auth/login', { json: { email: EMAIL, password: PASSWORD } })).status).toBe(500);
  }

  async function sendFromManyOrigins(): Promise<void> {
    const from = (origin: string, headers: Record<string, string> = {}) =>
      http.get('/health/live', { headers: { origin, ...headers } });
    await from('https://app.example.com');
    await from(http.url);
    await from('https://localhost.example', { 'sec-fetch-site': 'same-origin' });
    for (let i = 0; i < 3; i++) await from('https://refused.example');
    await from(`https://"}{${'x'.repeat(300)}`);
    for (let i = 0; i < 150; i++) await from(`https://app-${i}.example`);
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-logs-'));
    database = await throwawayDatabase();
    program = runProgram(folder, {
      LOG_LEVEL: 'trace',
      APP_SECRET: TEST_SECRET,
      BCRYPT_COST: '4',
      PORT: '0',
      RATE_LIMITS: 'off',
      DATABASE_URL: database.url,
      REFRESH_ROTATION_INTERVAL: '0s',
      REFRESH_LEEWAY: '0s',
      CORS_ORIGINS: 'https://app.example.com',
    });
    http = await program.listens();
    startedWith = program.stderr();
    await signInAndOut();
    await makeMistakes();
    await breakTheDatabase();
    await sendFromManyOrigins();
    await program.end('SIGTERM');
  });
  afterAll(async () => {
    await program.end('SIGKILL');
    rmSync(folder, { recursive: true });
    await database.drop();
  });

  const lines = () =>
    program
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);

  it('contains no secret, no token and no input of a client (log injection)', () => {
    const issued = tokens.filter((token) => token.startsWith('ey'));
    expect(issued.length).toBeGreaterThan(12);
    const hidden = [CANARY, 'Canary', TEST_SECRET, '$2b$', '{hs384', '192.0.2.66', 'forged', ...issued];
    hidden.push(...issued.map((token) => token.split('.')[2]!));
    const text = program.stdout() + program.stderr();
    expect(hidden.filter((secret) => text.includes(secret))).toEqual([]);
  });

  it('has one JSON object per line, with level, UTC time and msg', () => {
    expect(lines().length).toBeGreaterThan(sent.length);
    for (const line of lines()) {
      expect(line).toEqual(
        expect.objectContaining({
          level: expect.stringMatching(/^(trace|debug|info|warn|error|fatal)$/),
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          msg: expect.stringMatching(/./),
        }),
      );
    }
    expect(program.stderr()).toBe(startedWith);
  });

  it('has one line per request: id of the response, method, route and status', () => {
    const requests = lines().filter(({ msg }) => msg === 'request');
    const logged = requests.map(({ method, route, status, reqId }) => ({ method, route, status, id: reqId }));
    const expected = sent.filter(({ status, route }) => !(status === 400 && route === null));
    for (const request of expected) expect(logged).toContainEqual(request);
    expect(new Set(logged.map(({ id }) => id)).size).toBe(logged.length);
  });

  it('has the problem code in the line of a refused request, and in no other', () => {
    const requests = lines().filter(({ msg }) => msg === 'request');
    const codesOf = (route: string, status: number) =>
      new Set(requests.filter((line) => line.route === route && line.status === status).map(({ code }) => code));
    expect(codesOf('/auth/login', 401)).toEqual(new Set(['invalid_credentials']));
    expect(codesOf('/auth/refresh', 401)).toEqual(new Set(['refresh_token_reused', 'refresh_token_invalid']));
    expect(codesOf('/auth/register', 500)).toEqual(new Set(['internal_error']));
    expect(codesOf('/oauth/token', 400)).toEqual(new Set(['unsupported_grant_type']));
    const others = requests.filter(({ status, code }) => status! < 400 !== (code === undefined));
    expect(others).toEqual([]);
  });

  it('has user and session in the line of every request that proved to be theirs', () => {
    const requests = lines().filter(({ msg }) => msg === 'request');
    const known = (route: string, status: number) =>
      requests
        .filter((line) => line.route === route && line.status === status)
        .map(({ userId, sessionId }) => UUID.test(String(userId)) && UUID.test(String(sessionId)));
    const all = (count: number) => Array.from({ length: count }, () => true);
    expect(known('/auth/register', 201)).toEqual(all(1));
    expect(known('/auth/login', 200)).toEqual(all(3));
    expect(known('/auth/whoami', 200)).toEqual(all(1));
    expect(known('/auth/refresh', 200)).toEqual(all(2));
    // One was reused, the other is no token.
    expect(known('/auth/refresh', 401).sort()).toEqual([false, true]);
    expect(known('/auth/password', 200)).toEqual(all(1));
    expect(known('/auth/logout', 204)).toEqual(all(1));
    expect(known('/oauth/token', 200)).toEqual(all(1));
    expect(known('/oauth/revoke', 200)).toEqual([false, true]);
    expect(known('/auth/login', 401)).toEqual([false, false]);
  });

  it('warns once per refused CORS origin, with the setting, for at most 100 origins', () => {
    const refused = lines().filter(({ msg }) => msg.startsWith('CORS refused'));
    const origins = refused.map(({ origin }) => origin!);
    expect(origins).toHaveLength(100);
    expect(new Set(origins).size).toBe(100);
    expect(origins.slice(0, 2)).toEqual(['https://refused.example', `https://"}{${'x'.repeat(89)}`]);
    expect(new Set(refused.map(({ level, msg }) => `${level} ${msg}`)).size).toBe(1);
    expect(refused[0]).toMatchObject({ level: 'warn', msg: expect.stringContaining('CORS_ORIGINS') });
  });

  it('reports server errors with their stack, and refresh token reuse as a warning', () => {
    const failed = lines().filter(({ msg }) => msg === 'request failed');
    expect(failed).toHaveLength(2);
    for (const { level, err, reqId } of failed) {
      expect(level).toBe('error');
      expect(err!.stack).toContain(err!.message);
      expect(sent.find(({ id }) => id === reqId)?.status).toBe(500);
    }
    expect(lines().filter(({ level, msg }) => level === 'warn' && msg.startsWith('refresh_token_reused'))).toHaveLength(
      1,
    );
  });
});

describe('the request id', () => {
  it.each([{}, { TRUST_PROXY: '1' }, { TRUST_PROXY: 'loopback' }])(
    'is generated by the server, not taken from a header (log injection): %j',
    async (env) => {
      const test = await createTestApp({ env });
      const chosen = { 'x-request-id': 'chosen-by-a-client', 'request-id': 'chosen-by-a-client' };
      const { headers, body } = await test.http.get('/nowhere', { headers: chosen });
      await test.close();
      expect(body.requestId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(headers.get('x-request-id')).toBe(body.requestId);
    },
  );
});
