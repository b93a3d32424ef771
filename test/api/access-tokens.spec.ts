import { createHash, createPublicKey, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';
import { ACCESS_CLAIMS, es256, ISSUER, OTHER_SIGNATURES } from '../support/forgeries/access-forgeries.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import {
  base64url,
  HEADERS,
  signed,
  SPELLINGS,
  takeApart,
  withClaims,
  withHeader,
  type Mint,
} from '../support/forgeries/forge.js';
import { claimsOf, login, refresh, register } from '../support/app/users.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** The order of P-256: (r, n − s) is a valid signature whenever (r, s) is. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const INVALID = {
  status: 401,
  code: 'access_token_invalid',
  terminal: false,
  challenge: 'Bearer realm="latchkey", error="invalid_token"',
};

describe('an access token', () => {
  let test: TestApp;
  let keys: SigningKeysService;
  let mint: Mint;
  beforeAll(async () => {
    test = await createTestApp();
    keys = test.app.get(SigningKeysService, { strict: false });
    mint = takeApart((await register(test.http)).tokens.access_token, es256(keys.signer.privateKey));
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => test.close());

  const use = (token: string) => test.http.get('/auth/whoami', { token });

  it('has the documented claims, and no personal data', async () => {
    // The session and its token begin in the same second.
    vi.spyOn(test.clock, 'now').mockReturnValue(Date.now());
    const { body: tokens } = await test.http.post('/auth/register', {
      json: { email: 'grace.hopper@example.com', password: 'a long enough passphrase', name: 'Grace Hopper' },
    });
    const claims = claimsOf(tokens.access_token);
    expect(claims).toEqual({
      iss: ISSUER,
      aud: ISSUER,
      sub: expect.stringMatching(UUID),
      client_id: 'latchkey-spa',
      iat: expect.any(Number),
      exp: claims['iat'] + 900,
      jti: expect.stringMatching(UUID),
      sid: tokens.session_id,
      gen: 1,
      ver: expect.any(Number),
      roles: [],
      auth_time: expect.any(Number),
    });
    expect(Math.abs(claims['iat'] - Date.now() / 1000)).toBeLessThan(30);
    expect(claims['auth_time']).toBe(claims['iat']);
    expect(JSON.stringify(claims)).not.toMatch(/grace|hopper|@|example\.com/i);
  });

  it('keeps auth_time over a refresh, and has a unique jti', async () => {
    const { tokens } = await register(test.http);
    vi.spyOn(test.clock, 'now').mockReturnValue(Date.now() + 300_000);
    const [before, after] = [tokens, (await refresh(test.http, tokens.refresh_token)).body].map((response) =>
      claimsOf(response.access_token),
    );
    expect(after!['auth_time']).toBe(before!['auth_time']);
    expect(after!['iat']).toBeGreaterThanOrEqual(before!['iat'] + 299);
    expect(after!['jti']).not.toBe(before!['jti']);
  });

  it('has only alg, typ and kid in its header; kid is an RFC 7638 thumbprint', async () => {
    const { body } = await test.http.get('/.well-known/jwks.json');
    const [{ crv, kty, x, y }] = body.keys;
    const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    expect(mint.header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid });
  });

  it('can be verified with only the published keys and node:crypto', async () => {
    const { body } = await test.http.get('/.well-known/jwks.json');
    const [jwk] = body.keys.filter(({ kid }: { kid: string }) => kid === mint.header['kid']);
    const [header, payload, signature] = mint.token.split('.');
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
    const check = (text: string) => verify('sha256', Buffer.from(text), key, Buffer.from(signature!, 'base64url'));
    expect(check(`${header}.${payload}`)).toBe(true);
    expect(check(`${header}.${payload}x`)).toBe(false);
  });

  it('has cacheable public keys without a private part', async () => {
    const { status, headers, body } = await test.http.get('/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('cache-control')).toMatch(/^public, max-age=[1-9]\d*$/);
    expect(Object.keys(body)).toEqual(['keys']);
    expect(body.keys).toHaveLength(1);
    expect(Object.keys(body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(body.keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    const { d } = keys.signer.privateKey.export({ format: 'jwk' });
    expect(JSON.stringify(body)).not.toContain(d);
  });

  it('is accepted when the forger signs the original token (control)', async () => {
    expect((await use(signed(mint, mint.header, mint.payload))).status).toBe(200);
    expect((await use(withClaims(mint, { roles: ['admin'] }))).body.roles).toEqual(['admin']);
  });

  /** The refusal of a token, after which the genuine one is still accepted. */
  const refusalOf = async (token: string) => {
    const { status, headers, body } = await use(token);
    expect((await use(mint.token)).status).toBe(200);
    return { status, code: body.code, terminal: body.terminal, challenge: headers.get('www-authenticate') };
  };

  it.each([...SPELLINGS, ...HEADERS, ...ACCESS_CLAIMS])('is refused with %s', async (_, forge) => {
    expect(await refusalOf(forge(mint))).toEqual(INVALID);
  });

  it.each(OTHER_SIGNATURES)('is refused with %s', async (_, forge) => {
    expect(await refusalOf(forge(mint, keys.signer.privateKey))).toEqual(INVALID);
  });

  it('revokes nothing at a logout when it is forged', async () => {
    const forged = [...SPELLINGS, ...HEADERS, ...ACCESS_CLAIMS].map(([, forge]) => forge(mint));
    forged.push(...OTHER_SIGNATURES.map(([, forge]) => forge(mint, keys.signer.privateKey)));
    const codes = new Set<string>();
    for (const token of forged) {
      const { status, body } = await test.http.post('/auth/logout', { token });
      codes.add(`${status} ${body.code}`);
      await test.http.post('/oauth/revoke', { form: { token } });
    }
    expect(codes).toEqual(new Set(['401 access_token_invalid']));
    expect((await use(mint.token)).status).toBe(200);
  });

  it('is refused with the typ of a refresh token', async () => {
    expect(await refusalOf(withHeader(mint, { typ: 'refresh+jwt' }))).toEqual(INVALID);
  });

  it('is refused with trailing text', async () => {
    expect(await refusalOf(`${mint.token} x`)).toEqual(INVALID);
  });

  it('never makes the server fetch a key from a URL in the token (SSRF)', async () => {
    const visits: string[] = [];
    const trap = createServer((request, response) => {
      visits.push(request.url!);
      response.end();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(trap.address() as { port: number }).port}`;
    const tokens = ['jku', 'x5u', 'kid', 'iss'].map((member) => withHeader(mint, { [member]: `${url}/keys` }));
    for (const token of [...tokens, withClaims(mint, { iss: url })]) expect(await refusalOf(token)).toEqual(INVALID);
    expect(visits).toEqual([]);
    trap.close();
  });

  it('expires at exp, to the millisecond', async () => {
    const now = vi.spyOn(test.clock, 'now');
    const exp = Number(mint.payload['exp']) * 1000;
    now.mockReturnValue(exp - 1);
    expect((await use(mint.token)).status).toBe(200);
    now.mockReturnValue(exp);
    const { status, headers, body } = await use(mint.token);
    expect([status, body.code, body.terminal]).toEqual([401, 'access_token_expired', false]);
    expect(body.session_id).toBe(mint.payload['sid']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('expires a minute after ACCESS_TOKEN_TTL, even with a later exp', async () => {
    const iat = Number(mint.payload['iat']);
    const token = withClaims(mint, { exp: iat + 86_400 });
    const now = vi.spyOn(test.clock, 'now');
    now.mockReturnValue((iat + 900 + 60) * 1000);
    expect((await use(token)).status).toBe(200);
    now.mockReturnValue((iat + 900 + 60) * 1000 + 1);
    expect((await use(token)).body.code).toBe('access_token_expired');
  });

  it('stays revoked after logout with the signature (r, n − s)', async () => {
    const { email } = await register(test.http);
    const { access_token: token } = await login(test.http, email);
    const bytes = Buffer.from(token.split('.')[2]!, 'base64url');
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([bytes.subarray(0, 32), Buffer.from((N - s).toString(16).padStart(64, '0'), 'hex')]);
    const text = token.split('.').slice(0, 2).join('.');
    const key = { key: createPublicKey(keys.signer.privateKey), dsaEncoding: 'ieee-p1363' as const };
    expect(verify('sha256', Buffer.from(text), key, twin)).toBe(true);

    expect((await test.http.post('/auth/logout', { token })).status).toBe(204);
    expect((await use(token)).body.code).toBe('session_revoked');
    const { status, body } = await use(`${text}.${base64url(twin)}`);
    expect(status).toBe(401);
    expect(['session_revoked', 'access_token_invalid']).toContain(body.code);
  });

  it('is refused as a refresh token, and a refresh token as an access token', async () => {
    const { tokens } = await register(test.http);
    const { access_token: access, refresh_token: other } = tokens;
    const row = () => test.dataSource.query(`SELECT * FROM sessions WHERE id = '${tokens.session_id}'`);
    const before = await row();
    const responses = await Promise.all([
      test.http.post('/auth/refresh', { json: { refresh_token: access } }),
      test.http.post('/auth/refresh', { form: { refresh_token: access } }),
      test.http.post('/auth/logout', { json: { refresh_token: access } }),
      test.http.post('/auth/logout', { token: other }),
      test.http.get('/auth/whoami', { token: other }),
      test.http.get('/users/me', { token: other }),
      test.http.delete('/sessions', { token: other }),
      test.http.get(`/auth/whoami?access_token=${access}`),
      test.http.get('/auth/whoami', { headers: { cookie: `access_token=${access}` } }),
    ]);
    expect(responses.map(({ status, body }) => `${status} ${body.code}`)).toEqual([
      ...Array.from({ length: 3 }, () => '401 refresh_token_invalid'),
      ...Array.from({ length: 4 }, () => '401 access_token_invalid'),
      ...Array.from({ length: 2 }, () => '401 access_token_missing'),
    ]);
    await test.flush();
    expect(await row()).toEqual(before);
    expect((await use(access)).status).toBe(200);
    expect((await refresh(test.http, other)).status).toBe(200);
  });
});
