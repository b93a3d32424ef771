import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BREACHED, BreachedPasswords } from '../../../src/passwords/breached-passwords.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { countedDuring } from '../../support/app/scrape-metrics.js';
import { login, PASSWORD, register, someEmail } from '../../support/app/users.js';
import { expectProblem, expectRefused } from '../../support/http/problems.js';

const CHECKS = 'latchkey_breached_password_checks_total';
const OTHER = `${'0'.repeat(35)}:7`;
const SHA1 = createHash('sha1').update(PASSWORD).digest('hex').toUpperCase();
const SUFFIX = SHA1.slice(5);

/** 100 MB, in 100 kB. */
const BOMB = gzipSync(Buffer.alloc(100_000_000, `${OTHER}\r\n`));

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

const list =
  (...lines: string[]): Respond =>
  (_, response) =>
    void response.end(lines.join('\r\n'));

/** Sends as much as the client takes. */
const endless: Respond = (_, response) => {
  const chunk = `${OTHER}\r\n`.repeat(2000);
  let left = 100_000_000;
  const send = () => {
    while (left > 0 && response.write(chunk)) left -= chunk.length;
    if (left <= 0) response.end();
  };
  response.on('drain', send);
  send();
};

describe('the check for breached passwords', () => {
  let server: Server;
  let test: TestApp;
  let asked: IncomingMessage[];
  let respond: Respond;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request);
      respond(request, response);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    test = await createTestApp({ env: { PWNED_PASSWORDS_URL: `${origin()}/range/` } });
  });
  beforeEach(() => {
    asked = [];
    respond = list(OTHER);
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    await test.close();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const counted = (work: () => Promise<unknown>) => countedDuring(test.http, work);
  const registers = () => counted(() => register(test.http));

  it('rejects a breached password at registration, and says so', async () => {
    respond = list(OTHER, `${SUFFIX}:12`);
    const json = { email: someEmail(), password: PASSWORD };
    const counts = await counted(async () => {
      const problem = await expectRefused(test, 'POST /auth/register', { json }, 400, 'password_rejected');
      expect(problem.errors).toEqual([{ field: 'password', message: BREACHED }]);
    });
    expect(counts).toEqual({ [`${CHECKS}{outcome="breached"}`]: 1 });
  });

  it('rejects a breached password at a change, and keeps the old one', async () => {
    const { email, tokens } = await register(test.http);
    const newPassword = 'another long enough passphrase';
    const suffix = createHash('sha1').update(newPassword).digest('hex').slice(5);
    respond = list(`${suffix}:1`);
    const json = { currentPassword: PASSWORD, newPassword };
    const change = () => test.http.post('/auth/password', { token: tokens.access_token, json });
    const problem = expectProblem(await change(), 400, 'password_rejected');
    expect(problem.errors).toEqual([{ field: 'newPassword', message: BREACHED }]);
    await login(test.http, email);
    respond = list(OTHER);
    expect((await change()).status).toBe(200);
  });

  it('accepts a password that is not in the range, or only as padding', async () => {
    for (const lines of [[OTHER], [OTHER, `${SUFFIX}:0`], [], ['']]) {
      respond = list(...lines);
      expect(await registers()).toEqual({ [`${CHECKS}{outcome="clear"}`]: 1 });
    }
  });

  it('sends five characters of the hash, asks for padding, and sends nothing else', async () => {
    const email = someEmail();
    await register(test.http, email);
    const [{ method, url, headers, rawHeaders }] = asked as [IncomingMessage];
    expect([asked.length, method, url]).toEqual([1, 'GET', `/range/${SHA1.slice(0, 5)}`]);
    expect(headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'latchkey' });
    for (const secret of [SUFFIX, SHA1, PASSWORD, email, 'cookie', 'authorization'])
      expect(`${url} ${rawHeaders.join(' ')}`.toLowerCase()).not.toContain(secret.toLowerCase());
  });

  it('asks nothing at a sign-in, nor for a password that is too weak anyway', async () => {
    const { email } = await register(test.http);
    asked = [];
    await login(test.http, email);
    const weak = { email: someEmail(), password: 'passwordpassword' };
    expectProblem(await test.http.post('/auth/register', { json: weak }), 400, 'password_rejected');
    expect(asked).toEqual([]);
  });

  it.each<[string, Respond]>([
    ['status 500', (_, response) => response.writeHead(500).end(`${SUFFIX}:1`)],
    ['status 404', (_, response) => response.writeHead(404).end(`${SUFFIX}:1`)],
    ['status 429', (_, response) => response.writeHead(429, { 'retry-after': '2' }).end()],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/range/elsewhere' }).end()],
    ['garbage', list('<html>', `${SUFFIX}:1`)],
    ['a count that is no number', list(`${SUFFIX}:many`)],
    ['100 MB', endless],
    ['100 MB, compressed', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)],
    ['a broken connection', (request) => request.socket.destroy()],
    [
      'half a response',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write(OTHER, () => request.socket.destroy());
      },
    ],
    ['no response', () => {}],
    ['a response that never ends', (_, response) => response.write(`${OTHER}\r\n`)],
  ])('fails open: %s is counted, and the password accepted', async (_, respondWith) => {
    respond = respondWith;
    expect(await registers()).toEqual({ [`${CHECKS}{outcome="failed"}`]: 1 });
    expect(asked).toHaveLength(1);
  });

  it('fails open for a body that hangs, also after a garbage collection', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    respond = (_, response) => response.write(`${OTHER}\r\n`);
    const collecting = setInterval(collect, 50);
    expect(await registers()).toEqual({ [`${CHECKS}{outcome="failed"}`]: 1 });
    clearInterval(collecting);
  });

  it('waits for a slow response that comes in time', async () => {
    let late: (() => void) | undefined;
    respond = (_, response) => {
      response.write(`${OTHER}\r\n`);
      late = () => response.end(`${SUFFIX}:3`);
    };
    const refused = test.http.post('/auth/register', { json: { email: someEmail(), password: PASSWORD } });
    await expect.poll(() => late !== undefined).toBe(true);
    late!();
    expectProblem(await refused, 400, 'password_rejected');
  });

  it('serves other requests while the service hangs, with bounded connections', async () => {
    const { tokens } = await register(test.http);
    asked = [];
    respond = () => {};
    const breached = test.app.get(BreachedPasswords, { strict: false });
    const checks = Promise.all(Array.from({ length: 40 }, (_, i) => breached.findBreach(`${PASSWORD} ${i}`)));
    await expect.poll(() => asked.length).toBe(16);
    expect((await test.http.get('/users/me', { token: tokens.access_token })).status).toBe(200);
    expect(await checks).toEqual(Array(40).fill(null));
  });

  it('logs failures once a minute, without a part of the hash', async () => {
    const breached = test.app.get(BreachedPasswords, { strict: false });
    const warn = vi.spyOn(breached['logger'], 'warn').mockImplementation(() => {});
    respond = (_, response) => response.writeHead(503).end();
    test.clock.move('2m');
    for (let i = 0; i < 3; i++) await breached.findBreach(PASSWORD);
    expect(warn).toHaveBeenCalledOnce();
    test.clock.move('60s');
    await breached.findBreach(PASSWORD);
    const [, [line]] = warn.mock.calls as [string[], [string]];
    expect(warn).toHaveBeenCalledTimes(2);
    expect(line).toMatch(/^3 look-ups .* status 503$/);
    expect(line).not.toContain(SHA1.slice(0, 5));
  });

  it('reuses its connection', async () => {
    const ports = () => new Set(asked.map(({ socket }) => socket.remotePort)).size;
    for (let i = 0; i < 5; i++) await register(test.http);
    expect([asked.length, ports()]).toEqual([5, 1]);
  });
});

describe('without PWNED_PASSWORDS_URL', () => {
  it('no request leaves the process', async () => {
    const test = await createTestApp();
    const breached = test.app.get(BreachedPasswords, { strict: false });
    const connecting = vi.spyOn(breached['client'], 'get');
    expect(await breached.findBreach(PASSWORD)).toBeNull();
    expect(connecting).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    expect(await countedDuring(test.http, () => register(test.http))).toEqual({});
    await test.close();
  });
});
