import { generateKeyPairSync } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KeyRotationService } from '../../../src/signing-keys/key-rotation.service.js';
import { SigningKeysService } from '../../../src/signing-keys/signing-keys.service.js';
import { es256 } from '../../support/forgeries/access-forgeries.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { signed, takeApart, withHeader } from '../../support/forgeries/forge.js';
import { freePort } from '../../support/programs/free-port.js';
import type { TokenResponse } from '../../support/http/http.js';
import { discover, INSECURE, resourceServers, type ResourceServer } from '../../support/app/outside-clients.js';
import { claimsOf, refresh, register } from '../../support/app/users.js';

const SECRET = 'of_the_tests+and/of=nothing%20else';
const CLIENT = { client_id: 'latchkey-spa' };
const SERVICE = { client_id: 'notes-api' };

const kidOf = (token: string) => takeApart(token, String).header['kid'];

/** Clients and resource servers with third-party libraries against the application. */
describe('a third-party client or resource server', () => {
  let issuer: string;
  let test: TestApp;
  let services: Awaited<ReturnType<typeof resourceServers>>;
  let tokens: TokenResponse;
  beforeAll(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    test = await createTestApp({ port, env: { ISSUER: issuer, INTROSPECTION_CLIENTS: `notes-api:${SECRET}` } });
    services = await resourceServers(issuer);
  });
  beforeEach(async () => {
    ({ tokens } = await register(test.http));
  });
  afterAll(async () => {
    services.close();
    await test.close();
  });

  /** Every resource server accepts the token and reads the same claims. */
  async function expectVerified(all: ResourceServer[], accessToken: string) {
    for (const { name, verify } of all) expect(await verify(accessToken), name).toEqual(claimsOf(accessToken));
  }
  async function expectRefused(all: ResourceServer[], accessToken: string) {
    for (const { name, verify } of all)
      await expect(verify(accessToken), name).rejects.toThrow(/^401:|signature|applicable key|"alg"/);
  }

  it('discovers the server from only its issuer', async () => {
    expect(await discover(issuer)).toMatchObject({ issuer, jwks_uri: `${issuer}/.well-known/jwks.json` });
  });

  it('verifies access tokens: jose, oauth4webapi, express-oauth2-jwt-bearer', async () => {
    expect(services.all.map(({ name }) => name)).toEqual(['jose', 'oauth4webapi', 'express-oauth2-jwt-bearer']);
    await expectVerified(services.all, tokens.access_token);
    const next = (await refresh(test.http, tokens.refresh_token)).body;
    await expectVerified(services.all, next.access_token);
  });

  it('verifies old and new access tokens across a rotation of the signing key', async () => {
    const { access_token: before, refresh_token } = tokens;
    await expectVerified(services.all, before);
    await test.app.get(SigningKeysService, { strict: false }).add();
    await expectVerified(services.all, (await refresh(test.http, refresh_token)).body.access_token);

    // A key is published for ten minutes before it signs.
    await test.dataSource.query(`UPDATE keys SET created_at = created_at - 601000 WHERE purpose = 'access-signing'`);
    await test.app.get(KeyRotationService, { strict: false }).keepUp();
    const newest = (await refresh(test.http, refresh_token)).body.access_token;
    expect(kidOf(newest)).not.toBe(kidOf(before));
    await expectVerified(services.all, newest);
    await expectVerified(services.all, before);
  });

  it('refuses refresh tokens and forged access tokens', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const mint = takeApart(tokens.access_token, es256(privateKey));
    await expectRefused(services.all, tokens.refresh_token);
    await expectRefused(services.all, signed(mint, mint.header, mint.payload));
    await expectRefused(services.all, withHeader(mint, { kid: 'unknown' }));
    await expectRefused(services.all, `${tokens.access_token.slice(0, -6)}AAAAAA`);
  });

  it('refreshes with oauth4webapi, and every resource server accepts the new token', async () => {
    const as = await discover(issuer);
    const response = await oauth.refreshTokenGrantRequest(as, CLIENT, oauth.None(), tokens.refresh_token, INSECURE);
    const refreshed = await oauth.processRefreshTokenResponse(as, CLIENT, response);
    expect(refreshed).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_token: expect.any(String) });
    await expectVerified(services.all, refreshed.access_token);
    expect((await test.http.get('/auth/whoami', { token: refreshed.access_token })).status).toBe(200);
  });

  it('gets invalid_grant from oauth4webapi for a revoked refresh token', async () => {
    const as = await discover(issuer);
    await test.http.post('/auth/logout', { token: tokens.access_token });
    const response = await oauth.refreshTokenGrantRequest(as, CLIENT, oauth.None(), tokens.refresh_token, INSECURE);
    await expect(oauth.processRefreshTokenResponse(as, CLIENT, response)).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    });
  });

  it('introspects and revokes with oauth4webapi, effective at once', async () => {
    const as = await discover(issuer);
    const secret = oauth.ClientSecretBasic(SECRET);
    const introspect = async (token: string) => {
      const response = await oauth.introspectionRequest(as, SERVICE, secret, token, INSECURE);
      return oauth.processIntrospectionResponse(as, SERVICE, response);
    };
    expect(await introspect(tokens.access_token)).toMatchObject({ active: true, ...claimsOf(tokens.access_token) });
    expect(await introspect(tokens.refresh_token)).toMatchObject({ active: true });

    const revoked = await oauth.revocationRequest(as, CLIENT, oauth.None(), tokens.refresh_token, INSECURE);
    expect(await oauth.processRevocationResponse(revoked)).toBeUndefined();

    expect(await introspect(tokens.access_token)).toEqual({ active: false });
    expect(await introspect(tokens.refresh_token)).toEqual({ active: false });
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).body.code).toBe('session_revoked');
    // A resource server that only verifies does not notice: docs/check-tokens-elsewhere.md says so.
    await expectVerified(services.all, tokens.access_token);
  });

  it('gets a Basic challenge from oauth4webapi for a wrong client secret', async () => {
    const as = await discover(issuer);
    const wrong = oauth.ClientSecretBasic('x'.repeat(40));
    const response = await oauth.introspectionRequest(as, SERVICE, wrong, tokens.access_token, INSECURE);
    await expect(oauth.processIntrospectionResponse(as, SERVICE, response)).rejects.toMatchObject({
      cause: [{ scheme: 'basic', parameters: { realm: 'latchkey' } }],
    });
  });
});
