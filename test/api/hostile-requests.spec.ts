import { readdirSync, readlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import { OpenSockets, sendPipelined, statusesIn, textOf, toRequest } from '../support/http/open-sockets.js';
import { expectProblem } from '../support/http/problems.js';
import { sendRaw } from '../support/http/raw-http.js';

const ROUTES = ['/auth/refresh', '/auth/login', '/auth/register'];
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const CLOSE = 'Connection: close\r\n';
const unknown = (count: number, name: (i: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), '']));

describe('cost of hostile requests', () => {
  let test: TestApp;
  const sockets = new OpenSockets();
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterEach(() => sockets.destroy());
  afterAll(() => test.close());

  it.each(ROUTES)('refuses 7,000 unknown members with a short response: %s, JSON', async (path) => {
    const json = unknown(7000, (i) => i.toString(36));
    const refusal = expectProblem(await test.http.post(path, { json }), 400, 'too_many_members');
    expect(JSON.stringify(refusal).length).toBeLessThan(1000);
  });

  it.each(['/auth/refresh', '/auth/login', '/oauth/token'])(
    'refuses 7,000 unknown fields, or 60,000 separators, with a short response: %s, form',
    async (path) => {
      for (const body of [new URLSearchParams(unknown(7000, (i) => i.toString(36))).toString(), '&'.repeat(60_000)]) {
        const { status, body: refusal } = await test.http.post(path, { headers: FORM, body });
        expect(status).toBe(400);
        expect(JSON.stringify(refusal).length).toBeLessThan(1000);
      }
    },
  );

  it.each(ROUTES)('lists at most 20 errors in less than 4 kB: %s', async (path) => {
    const json = unknown(31, (i) => `${String.fromCharCode(1 + i)}${'\u0001'.repeat(200)}`);
    const refusal = expectProblem(await test.http.post(path, { json }), 400, 'validation_failed');
    expect(refusal.errors).toHaveLength(20);
    expect(JSON.stringify(refusal).length).toBeLessThan(4096);
  });

  it('refuses a query of more than 32 parameters', async () => {
    const query = new URLSearchParams(unknown(33, (i) => `m${i}`));
    expectProblem(await test.http.get(`/health/live?${query}`), 400, 'too_many_members');
  });

  it('refuses repeated members of JSON, nested and escaped ones too', async () => {
    const email = someEmail();
    const bodies = [
      `{"email": "${email}", "password": "${PASSWORD}", "email": "${email}"}`,
      String.raw`{"email": "${email}", "password": "${PASSWORD}", "\u0065mail": "${email}"}`,
      `{"email": {"a": 1, "a": 2}, "password": "${PASSWORD}"}`,
    ];
    for (const body of bodies) {
      const headers = { 'content-type': 'application/json' };
      expectProblem(await test.http.post('/auth/register', { headers, body }), 400, 'repeated_parameter');
    }
    expect((await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(401);
  });

  it('searches a password for words of the user outside of the event loop', async () => {
    // One character that NFKC makes 18.
    const [name, password] = ['\ufdfa'.repeat(64), '\ufdfa'.repeat(256)];
    const normalize = vi.spyOn(String.prototype, 'normalize');
    const json = { email: someEmail(), name, password };
    const refusal = expectProblem(await test.http.post('/auth/register', { json }), 400, 'password_rejected');
    const folded = normalize.mock.calls.filter(([form]) => form === 'NFKC').length;
    normalize.mockRestore();
    expect(refusal.errors).toEqual([{ field: 'password', message: 'Too easy to guess: only your name.' }]);
    expect(folded).toBe(0);
  });

  it('refuses 1,100 header lines with 431, also behind a good token', async () => {
    const { tokens } = await register(test.http);
    const many = 'a: b\r\n'.repeat(1100);
    const token = `Authorization: Bearer ${tokens.access_token}\r\n`;
    for (const lines of [token + many, `${token}${many}Authorization: x\r\n`]) {
      const request = toRequest('GET', '/auth/whoami', undefined, `Connection: close\r\n${lines}`);
      expectProblem(await sendRaw(test.http.url, request), 431, 'headers_too_large');
    }
    const few = toRequest('GET', '/auth/whoami', undefined, `Connection: close\r\n${token}${'a: b\r\n'.repeat(90)}`);
    expect((await sendRaw(test.http.url, few)).status).toBe(200);
  });

  it('refuses a body with a Content-Encoding, and changes nothing', async () => {
    const email = someEmail();
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const body = gzipSync(JSON.stringify({ email, password: PASSWORD }));
    expectProblem(await test.http.post('/auth/register', { headers, body }), 415, 'unsupported_media_type');
    expect((await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(401);
  });

  it('refuses an unknown Expect with a problem and all headers', async () => {
    const request = toRequest('GET', '/health/live', undefined, 'Connection: close\r\nExpect: x\r\n');
    const response = await sendRaw(test.http.url, request);
    expectProblem(response, 417, 'expectation_failed');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('serves 16 pipelined requests, and closes a connection that sends more at once', async () => {
    const ready = toRequest('GET', '/health/ready');
    const last = toRequest('GET', '/health/live', undefined, 'Connection: close\r\n');
    const served = await textOf(await sockets.open(test.http.url, ready.repeat(15) + last));
    expect(statusesIn(served)).toEqual(Array.from({ length: 16 }, () => 200));

    const closed = await textOf(await sockets.open(test.http.url, ready.repeat(1000)));
    expect(statusesIn(closed)).toEqual(Array.from({ length: 16 }, () => 200));
    expect(closed.match(/\r\nconnection: close\r\n/gi)).toHaveLength(1);
  });

  it('serves any number of requests on a connection that waits for its responses', async () => {
    const socket = await sockets.open(test.http.url);
    const statuses = await sendPipelined(socket, toRequest('GET', '/health/live'), 200);
    expect(statuses).toEqual(Array.from({ length: 200 }, () => 200));
  });

  it('responds to the requests before pipelined garbage, and then with 400', async () => {
    const text = await textOf(
      await sockets.open(test.http.url, `${toRequest('GET', '/health/ready').repeat(2)}garbage\r\n\r\n`),
    );
    expect(statusesIn(text)).toEqual([200, 200, 400]);
    expect(text).toMatch(/\r\nconnection: close\r\n[^]*"code":"malformed_request"/i);
  });

  it('disconnects a client that does not read for 30 seconds, and closes its files', async () => {
    const server = test.app.getHttpServer() as Server;
    expect(server.timeout).toBe(30_000);
    server.timeout = 300;
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const silent = await sockets.open(test.http.url);
    silent.pause();
    // More than the system buffers.
    silent.write(toRequest('GET', '/docs/swagger-ui-bundle.js').repeat(15));
    const connection = await connected;
    await expect.poll(() => connection.destroyed, { timeout: 10_000 }).toBe(true);
    server.timeout = 30_000;
    await expect.poll(() => openFiles().filter((file) => file.endsWith('swagger-ui-bundle.js'))).toEqual([]);
  });

  /** Requests of each kind, written once: the widest of what is accepted, and more than that. */
  const HOSTILE: Record<string, () => string> = {
    'unknown members': () =>
      toRequest(
        'POST',
        '/auth/refresh',
        unknown(7000, (i) => i.toString(36)),
        CLOSE,
      ),
    'the widest name': () =>
      toRequest('POST', '/auth/register', { email: someEmail(), name: 'n'.repeat(60_000), password: PASSWORD }, CLOSE),
    'the widest list of cookies': () => {
      const cookies = Array.from({ length: 200 }, (_, i) => `latchkey-${i}=${'x'.repeat(55)}`).join('; ');
      return toRequest('POST', '/auth/refresh', {}, `${CLOSE}Origin: ${test.http.url}\r\nCookie: ${cookies}\r\n`);
    },
    'the widest list of headers': () => toRequest('GET', '/auth/whoami', undefined, CLOSE + 'a: b\r\n'.repeat(1100)),
    'pipelined requests': () => toRequest('GET', '/health/ready').repeat(1000),
  };

  it.each(Object.keys(HOSTILE))('serves whoami and refresh beside 16 connections of %s', async (kind) => {
    const { tokens } = await register(test.http);
    const floods = Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let round = 0; round < 3; round++) {
          const text = await textOf(await sockets.open(test.http.url, HOSTILE[kind]!()));
          const largest = Math.max(...text.split(/(?=HTTP\/1\.1 )/).map((response) => response.length));
          expect(largest).toBeGreaterThan(0);
          expect(largest).toBeLessThan(6000);
        }
      }),
    );
    for (let i = 0; i < 10; i++) {
      expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
      expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    }
    await floods;
  });
});

/** Of this process; only Linux lists them here. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  });
}
