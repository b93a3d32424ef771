import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RevocationsService } from '../../src/revocations/revocations.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import type { TokenResponse } from '../support/http/http.js';
import { expectNeverStored, expectOAuthError, rotated } from '../support/app/oauth.js';
import { claimsOf, login, refresh, register } from '../support/app/users.js';
import { stateOf } from '../support/http/problems.js';

describe('POST /oauth/revoke', () => {
  let test: TestApp;
  let email: string;
  let tokens: TokenResponse;
  beforeAll(async () => {
    test = await createTestApp();
  });
  beforeEach(async () => {
    ({ email, tokens } = await register(test.http));
  });
  afterAll(() => test.close());

  const revoke = async (token: string, more: Record<string, string> = {}) => {
    const response = await test.http.post('/oauth/revoke', { form: { token, ...more } });
    expect([response.status, response.body]).toEqual([200, {}]);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expectNeverStored(response);
  };
  /** The state of a session: the status and code of its tokens, and the reason of its revocation. */
  const stateOfSession = async ({ access_token, refresh_token }: TokenResponse) => {
    const use = await test.http.get('/auth/whoami', { token: access_token });
    const { body } = await refresh(test.http, refresh_token);
    return [use.status, use.body.code, body.code, body.reason];
  };
  const REVOKED = [401, 'session_revoked', 'session_revoked', 'logout'];
  const ALIVE = [200, undefined, undefined, undefined];

  it.each(['access_token', 'refresh_token'] as const)(
    'revokes the session of an %s at once, and no other session',
    async (kind) => {
      const other = await login(test.http, email);
      await revoke(tokens[kind]);
      expect(await stateOfSession(tokens)).toEqual(REVOKED);
      expect(await stateOfSession(other)).toEqual(ALIVE);
    },
  );

  it('accepts a refresh token of an old generation, without a reuse alarm', async () => {
    const [first, , newest] = await rotated(test, tokens, 2);
    await revoke(first!.refresh_token);
    expect(await stateOfSession(newest!)).toEqual(REVOKED);
  });

  it('accepts an outdated access token', async () => {
    const { sub } = claimsOf(tokens.access_token);
    const revocations = test.app.get(RevocationsService);
    await revocations.transaction((transaction) => transaction.outdateTokensOfUser(sub as string, 2 ** 31 - 1));
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).body.code).toBe(
      'access_token_outdated',
    );
    await revoke(tokens.access_token);
    expect((await refresh(test.http, tokens.refresh_token)).body.code).toBe('session_revoked');
  });

  it.each(['refresh_token', 'access_token', 'saml_assertion', ''])('ignores token_type_hint %j', async (hint) => {
    const other = await login(test.http, email);
    await revoke(tokens.access_token, { token_type_hint: hint });
    await revoke(other.refresh_token, { token_type_hint: hint });
    expect(await stateOfSession(tokens)).toEqual(REVOKED);
    expect(await stateOfSession(other)).toEqual(REVOKED);
  });

  it('accepts its own client_id, and ignores unknown parameters', async () => {
    await revoke(tokens.refresh_token, { client_id: 'latchkey-spa', more: 'x' });
    expect(await stateOfSession(tokens)).toEqual(REVOKED);
  });

  it.each<[string, (token: TokenResponse) => string]>([
    ['nonsense', () => 'nonsense'],
    ['10 kB', ({ refresh_token }) => refresh_token.padEnd(10_240, 'A')],
    ['an access token with a changed signature', ({ access_token }) => `${access_token.slice(0, -6)}AAAAAA`],
    ['a refresh token with a changed signature', ({ refresh_token }) => `${refresh_token.slice(0, -6)}AAAAAA`],
    ['a session id', ({ session_id }) => session_id],
  ])('responds with 200 for an invalid token, and changes nothing: %s', async (_, make) => {
    const before = await stateOf(test);
    await revoke(make(tokens));
    expect(await stateOf(test)).toEqual(before);
    expect(await stateOfSession(tokens)).toEqual(ALIVE);
  });

  it('responds with 200 for an expired access token, and revokes nothing', async () => {
    test.clock.move('16m');
    await revoke(tokens.access_token);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });

  it('is idempotent, also for a token of an expired session', async () => {
    await revoke(tokens.refresh_token);
    const before = await stateOf(test);
    await revoke(tokens.refresh_token);
    await revoke(tokens.access_token);
    expect(await stateOf(test)).toEqual(before);
    const other = await login(test.http, email);
    test.clock.move('31d');
    await revoke(other.refresh_token);
    expect((await refresh(test.http, other.refresh_token)).body.code).toBe('session_expired');
  });

  it.each<[string, string, Record<string, string>]>([
    ['no token', 'invalid_request', { token: '' }],
    ['another client_id', 'invalid_client', { client_id: 'another-client' }],
    ['a client_secret', 'invalid_client', { client_secret: 'x' }],
  ])('refuses %s with %s, and revokes nothing', async (_, error, change) => {
    const response = await test.http.post('/oauth/revoke', { form: { token: tokens.access_token, ...change } });
    expectOAuthError(response, 400, error);
    expect(await stateOfSession(tokens)).toEqual(ALIVE);
  });

  it('refuses a repeated token (HTTP parameter pollution), and revokes nothing', async () => {
    const body = `token=${tokens.access_token}&token=${tokens.refresh_token}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expectOAuthError(await test.http.post('/oauth/revoke', { headers, body }), 400, 'invalid_request');
    expect(await stateOfSession(tokens)).toEqual(ALIVE);
  });

  it('refuses client credentials', async () => {
    const headers = { authorization: `Basic ${Buffer.from('latchkey-spa:x').toString('base64')}` };
    const response = await test.http.post('/oauth/revoke', { form: { token: tokens.access_token }, headers });
    expectOAuthError(response, 401, 'invalid_client');
    expect(await stateOfSession(tokens)).toEqual(ALIVE);
  });
});
