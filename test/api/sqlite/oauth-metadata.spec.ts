import { afterEach, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { claimsOf, register } from '../../support/app/users.js';
import { expectProblem } from '../../support/http/problems.js';
import { sendRaw } from '../../support/http/raw-http.js';

const PATH = '/.well-known/oauth-authorization-server';
const ISSUER = 'http://localhost:3000';

describe('GET /.well-known/oauth-authorization-server', () => {
  let test: TestApp;
  const start = async (env: Record<string, string> = {}) => {
    test = await createTestApp({ env });
    return test.http;
  };
  afterEach(() => test.close());

  it('returns exactly the supported metadata', async () => {
    const http = await start();
    const { status, headers, body } = await http.get(PATH);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json\b/);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    expect(body).toEqual({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth/token`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      grant_types_supported: ['refresh_token'],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
    });
  });

  it.each([
    ['http://localhost:3000', ''],
    ['https://Auth.Example.com', ''],
    ['https://auth.example.com:443/a', '/a'],
  ])('returns the issuer exactly as ISSUER and as the iss of every token: %s', async (issuer, suffix) => {
    const http = await start({ ISSUER: issuer });
    const { tokens } = await register(http);
    const { body } = await raw(http.url, PATH + suffix);
    expect(body.issuer).toBe(issuer);
    expect(claimsOf(tokens.access_token)['iss']).toBe(issuer);
  });

  it('returns only URLs of existing routes', async () => {
    const http = await start();
    const { issuer, ...metadata } = (await http.get<Record<string, string>>(PATH)).body;
    const addresses = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(addresses.length).toBeGreaterThan(2);
    for (const [, address] of addresses) {
      expect((await http.get(address.slice(issuer!.length))).status, address).not.toBe(404);
    }
  });

  it('has the path of RFC 8414 section 3.1 when ISSUER has a path, and no other', async () => {
    const http = await start({ ISSUER: 'https://example.com/tenants/auth' });
    for (const path of [PATH, `${PATH}/tenants/auth`, `${PATH}/tenants/auth?x=1`]) {
      const { status, body } = await raw(http.url, path);
      expect([status, body.token_endpoint]).toEqual([200, 'https://example.com/tenants/auth/oauth/token']);
    }
    for (const suffix of ['/', '/tenants', '/tenants/auth/', '/tenants/auth/x', '/other', '/TENANTS/AUTH']) {
      expectProblem(await http.get(PATH + suffix), 404, 'not_found');
    }
    expectProblem(await http.post(`${PATH}/tenants/auth`), 405, 'method_not_allowed');
  });

  it('is found there by a request with an absolute-form target too', async () => {
    const issuer = 'https://example.com/tenants/a';
    const http = await start({ ISSUER: issuer });
    const get = (target: string) =>
      sendRaw(http.url, `GET ${target} HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n`);
    for (const origin of ['http://example.com', 'https://example.com:443', 'HTTP://example.com']) {
      for (const query of ['', '?x=1']) {
        const response = await get(`${origin}${PATH}/tenants/a${query}`);
        expect([response.status, response.body['issuer']]).toEqual([200, issuer]);
      }
    }
    expect((await get(`http://example.com${PATH}`)).status).toBe(200);
    for (const path of ['/tenants', '/tenants/a/', `/x${PATH}/tenants/a`]) {
      expectProblem(await get(`http://example.com${PATH}${path}`), 404, 'not_found');
    }
  });

  it('has no path suffix when ISSUER has no path', async () => {
    const http = await start();
    for (const suffix of ['/', '/auth', '//']) expectProblem(await http.get(PATH + suffix), 404, 'not_found');
  });
});

/** Skips the check against the OpenAPI document, which has no path that depends on ISSUER. */
async function raw(url: string, path: string) {
  const response = await fetch(url + path);
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}
