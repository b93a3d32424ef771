import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProblemCode } from '../../../src/problem/catalogue.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { BrokenModule } from '../../support/app/broken-module.js';
import { BAD_BODIES, BAD_REQUESTS } from '../../support/forgeries/hostile.js';
import type { RequestOptions, TokenResponse } from '../../support/http/http.js';
import { register } from '../../support/app/users.js';
import { expectProblem, expectRefused, expectSecurityHeaders, send, stateOf } from '../../support/http/problems.js';
import { sendRaw } from '../../support/http/raw-http.js';

let test: TestApp;
let email: string;
let tokens: TokenResponse;
let token: string;
const refused = (route: string, options: RequestOptions, status: number, code: ProblemCode) =>
  expectRefused(test, route, options, status, code);

describe('a malformed request', () => {
  beforeAll(async () => {
    test = await createTestApp({ imports: [BrokenModule] });
    ({ email, tokens } = await register(test.http));
    token = tokens.access_token;
  });
  afterAll(() => test.close());

  it.each(BAD_REQUESTS)('gets a problem response with security headers: %s', async (_, bytes, ...is) => {
    const before = await stateOf(test);
    const response = await sendRaw(test.http.url, bytes);
    expectProblem(response, ...is);
    expectSecurityHeaders(response);
    expect(await stateOf(test)).toEqual(before);
    expect((await test.http.get('/health/live')).status).toBe(200);
  });

  it('gets 404 for an unknown path with any method', async () => {
    const addresses = ['/nothing', '/.git/HEAD', '/auth', '/auth/login/', '/AUTH/login', '//', '/a%00b', '/a%2Fb'];
    for (const path of [...addresses, `/sessions/${tokens.session_id}/x`, `/users/${email}`, `/${'a'.repeat(8000)}`]) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        expect((await refused(`${method} ${path}`, { token }, 404, 'not_found')).terminal).toBe(false);
      }
    }
  });

  it.each(BAD_BODIES)('gets 404 for an unknown path with any body: %s', async (_, sent) => {
    const headers = sent.type === undefined ? {} : { 'content-type': sent.type };
    for (const route of ['POST /nothing', 'POST /oauth/token/', 'PATCH /auth/login/']) {
      expect((await refused(route, { body: sent.body, headers }, 404, 'not_found')).terminal).toBe(false);
    }
    await refused('PUT /auth/login', { body: sent.body, headers }, 405, 'method_not_allowed');
  });

  it('gets 404 for an unknown path with a form', async () => {
    const form = { grant_type: 'refresh_token' };
    expect((await refused('POST /oauth/token/', { form }, 404, 'not_found')).terminal).toBe(false);
  });

  it('gets the same response for an absolute-form target', async () => {
    const ask = (line: string) => sendRaw(test.http.url, `${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect((await ask('GET http://a.example/health/live?x=1')).status).toBe(200);
    expectProblem(await ask('POST http://a.example/health/live'), 405, 'method_not_allowed');
    expectProblem(await ask('POST http://a.example/nothing'), 404, 'not_found');
  });

  it('gets 400 for a path that cannot be decoded, and 414 for one that is too long', async () => {
    for (const path of ['/%', '/%zz', '/sessions/%', '/sessions/%f0%28']) {
      expect((await refused(`DELETE ${path}`, { token }, 400, 'malformed_request')).terminal).toBe(false);
    }
    await refused(`DELETE /sessions/${'a'.repeat(5000)}`, { token }, 414, 'uri_too_long');
  });

  it('gets 405 with Allow for an unsupported method', async () => {
    const allow = {
      'GET /auth/login': 'POST',
      'PUT /auth/login': 'POST',
      'OPTIONS /auth/login': 'POST',
      'POST /auth/whoami': 'GET, HEAD',
      'PUT /sessions': 'DELETE, GET, HEAD',
      'GET /sessions/x?y=1': 'DELETE',
      'DELETE /users/me': 'GET, HEAD, PATCH',
      'POST /health/live': 'GET, HEAD',
    };
    for (const [route, methods] of Object.entries(allow)) {
      await refused(route, { token }, 405, 'method_not_allowed');
      expect((await send(test.http, route)).headers.get('allow')).toBe(methods);
    }
  });

  it('gets the same response for HEAD as for GET, without a body', async () => {
    for (const [path, options] of [
      ['/health/live', {}],
      ['/users/me', { token }],
      ['/users/me', {}],
      ['/x', {}],
    ] as const) {
      const [head, get] = [await test.http.send('HEAD', path, options), await test.http.get(path, options)];
      expect(head.status).toBe(get.status);
      expect(head.body).toBeUndefined();
      for (const name of ['content-type', 'cache-control', 'www-authenticate']) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
    }
  });

  it.each(['GET /broken/error', 'GET /broken/rejection', 'GET /broken/nothing'])(
    'gets a 500 without internals for a bug, and the process survives: %s',
    async (route) => {
      const problem = await refused(route, {}, 500, 'internal_error');
      expect(JSON.stringify(problem)).not.toMatch(/secret/i);
      expect((await test.http.get('/users/me', { token })).status).toBe(200);
    },
  );

  it.each([
    [200, 'GET /health/live'],
    [400, 'POST /auth/login'],
    [400, 'DELETE /sessions/%'],
    [401, 'GET /users/me'],
    [404, 'GET /nothing'],
    [405, 'PUT /auth/login'],
    [414, `DELETE /sessions/${'a'.repeat(101)}`],
    [500, 'GET /broken/error'],
  ])('gets the security headers with status %i', async (status, route) => {
    const response = await send(test.http, route);
    expect(response.status).toBe(status);
    expectSecurityHeaders(response);
  });
});
