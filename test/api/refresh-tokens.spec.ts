import { createHmac, createSecretKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenSigner } from '../../src/tokens/token-signer.js';
import { SigningKeysService } from '../../src/signing-keys/signing-keys.service.js';
import { es256, ISSUER } from '../support/forgeries/access-forgeries.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimForgeries, HEADERS, signed, SPELLINGS, takeApart, timeForgeries } from '../support/forgeries/forge.js';
import { withClaims, withHeader, type Forgery, type Mint } from '../support/forgeries/forge.js';
import type { TokenResponse } from '../support/http/http.js';
import { claimsOf, refresh, register } from '../support/app/users.js';

const CLAIMS: Forgery[] = [
  ...claimForgeries('iss', ['', 'https://attacker.example', [ISSUER], null]),
  ...claimForgeries('aud', ['', ISSUER, `${ISSUER}/auth/refresh/`, [`${ISSUER}/auth/refresh`], null]),
  ...['sub', 'sid'].flatMap((claim) => claimForgeries(claim, ['', 'abc', 'a\u0000b', 1, null, ['a'], {}, true])),
  ...claimForgeries('gen', ['1', 0, -1, 1.5, null, [1], 2 ** 31]),
  ...['iat', 'exp'].flatMap(timeForgeries),
  ['nbf in the future', (mint) => withClaims(mint, { nbf: Math.floor(Date.now() / 1000) + 600 })],
];

describe('a refresh token', () => {
  let test: TestApp;
  let tokens: TokenResponse;
  let mint: Mint;
  beforeAll(async () => {
    test = await createTestApp();
  });
  beforeEach(async () => {
    ({ tokens } = await register(test.http));
    const { key } = test.app.get(TokenSigner, { strict: false })['refreshKey'];
    mint = takeApart(tokens.refresh_token, (text) => createHmac('sha256', key).update(text).digest('base64url'));
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => test.close());

  const row = async () => (await test.dataSource.query(`SELECT * FROM sessions WHERE id = '${tokens.session_id}'`))[0];

  /** The refusal of a token in JSON and in a form. It must change nothing, and the session stays alive. */
  const refusalOf = async (token: string) => {
    await test.flush();
    const before = await row();
    const json = await refresh(test.http, token);
    const form = await test.http.post('/auth/refresh', { form: { refresh_token: token } });
    await test.flush();
    expect(await row()).toEqual(before);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
    expect({ ...form.body, requestId: '' }).toEqual({ ...json.body, requestId: '' });
    const { code, terminal, session_id } = json.body;
    return { status: json.status, code, terminal, session_id, challenge: json.headers.get('www-authenticate') };
  };
  const INVALID = {
    status: 401,
    code: 'refresh_token_invalid',
    terminal: true,
    session_id: undefined,
    challenge: 'Bearer realm="latchkey", error="invalid_token"',
  };

  it('has the documented header and claims, and no others', () => {
    expect(mint.header).toEqual({ alg: 'HS256', typ: 'refresh+jwt', kid: expect.stringMatching(/^[\w-]{8,}$/) });
    const { iat } = mint.payload as { iat: number };
    expect(mint.payload).toEqual({
      iss: ISSUER,
      aud: `${ISSUER}/auth/refresh`,
      sub: claimsOf(tokens.access_token)['sub'],
      sid: tokens.session_id,
      gen: 1,
      iat: expect.any(Number),
      exp: expect.closeTo(iat + 30 * 86_400, -1),
    });
  });

  it.each(['json', 'form'] as const)('is exchanged as %s for a token response that is not cacheable', async (kind) => {
    const { status, headers, body } = await test.http.post<TokenResponse>('/auth/refresh', {
      [kind]: { refresh_token: tokens.refresh_token },
    });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('set-cookie')).toBeNull();
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: tokens.refresh_token,
      refresh_expires_in: expect.closeTo(7 * 86_400, -2),
      session_id: tokens.session_id,
    });
  });

  it('is accepted when the forger signs the original token (control)', async () => {
    const { status, body } = await refresh(test.http, signed(mint, mint.header, mint.payload));
    expect([status, body.session_id]).toEqual([200, tokens.session_id]);
  });

  it.each([...SPELLINGS, ...HEADERS, ...CLAIMS])('is refused with %s', async (_, forge) => {
    expect(await refusalOf(forge(mint))).toEqual(INVALID);
  });

  it('is refused with a signature of another secret, for any generation', async () => {
    const guess = createSecretKey(Buffer.from('a secret of the tests and of nothing else'));
    const sign = (text: string) => createHmac('sha256', guess).update(text).digest('base64url');
    for (const gen of [1, 2, 3, 1000]) expect(await refusalOf(withClaims({ ...mint, sign }, { gen }))).toEqual(INVALID);
  });

  it('is refused when its generation was changed', async () => {
    const [header, , signature] = tokens.refresh_token.split('.');
    const later = Buffer.from(JSON.stringify({ ...mint.payload, gen: 2 })).toString('base64url');
    expect(await refusalOf(`${header}.${later}.${signature}`)).toEqual(INVALID);
  });

  it('is refused when signed with the access token key (algorithm confusion)', async () => {
    const { kid, privateKey } = test.app.get(SigningKeysService, { strict: false }).signer;
    const es = { ...mint, sign: es256(privateKey) };
    expect(await refusalOf(withHeader(es, { alg: 'ES256' }))).toEqual(INVALID);
    expect(await refusalOf(withHeader(es, { alg: 'ES256', kid }))).toEqual(INVALID);
    expect(await refusalOf(withHeader(es, { kid }))).toEqual(INVALID);
  });

  it('is refused with the typ or claims of an access token, or as one', async () => {
    expect(await refusalOf(withHeader(mint, { typ: 'at+jwt' }))).toEqual(INVALID);
    expect(await refusalOf(signed(mint, mint.header, claimsOf(tokens.access_token)))).toEqual(INVALID);
    expect(await refusalOf(tokens.access_token)).toEqual(INVALID);
  });

  it('expires at its exp with session_expired, terminal and with its session id', async () => {
    const exp = Math.floor(Date.now() / 1000) - 1;
    expect(await refusalOf(withClaims(mint, { exp }))).toEqual({
      ...INVALID,
      code: 'session_expired',
      session_id: tokens.session_id,
    });
  });

  it.each<[string, object]>([
    ['no body', {}],
    ['an empty object', { json: {} }],
    ['an empty text', { json: { refresh_token: '' } }],
    ['an empty form', { form: {} }],
    ['an empty field of a form', { form: { refresh_token: '' } }],
    ['only in the query', { query: true }],
  ])('is missing, and the session stays alive: %s', async (_, { query, ...request }: { query?: true }) => {
    const path = query ? `/auth/refresh?refresh_token=${tokens.refresh_token}` : '/auth/refresh';
    const { status, headers, body } = await test.http.post(path, request);
    expect([status, body.code, body.terminal]).toEqual([401, 'refresh_token_missing', false]);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="latchkey"');
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });

  it.each<[string, (token: string) => unknown]>([
    ['a number', () => 1],
    ['null', () => null],
    ['a list', (token) => [token]],
    ['an object', (token) => ({ refresh_token: token })],
    ['10 kB', (token) => token.padEnd(10_240, 'A')],
  ])('of a wrong type is a validation error, not terminal: %s', async (_, wrong) => {
    const { status, body } = await test.http.post('/auth/refresh', {
      json: { refresh_token: wrong(tokens.refresh_token) },
    });
    expect([status, body.code, body.terminal]).toEqual([400, 'validation_failed', false]);
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(['refresh_token']);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });

  it('is refused beside a session_id in a form, which never selects a cookie', async () => {
    const { refresh_token, session_id } = tokens;
    const { status, body } = await test.http.post('/auth/refresh', { form: { refresh_token, session_id } });
    expect([status, body.code, body.terminal]).toEqual([400, 'validation_failed', false]);
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual(['session_id']);
  });

  it('is refused when it is repeated in a form (HTTP parameter pollution)', async () => {
    const body = `refresh_token=${tokens.refresh_token}&refresh_token=${tokens.refresh_token}`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await test.http.post('/auth/refresh', { headers, body });
    expect([response.status, response.body.code, response.body.terminal]).toEqual([400, 'repeated_parameter', false]);
  });
});

describe('a session in strict mode (REFRESH_ROTATION_INTERVAL=0s, REFRESH_LEEWAY=0s)', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp({ env: { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' } });
  });
  afterAll(() => test.close());

  const generationOf = (token: string) => claimsOf(token)['gen'] as number;
  /** The codes for a replayed refresh token, and then for the newest tokens of its session. */
  const codesAfter = async (replayed: string, newest: TokenResponse) => {
    const replay = await refresh(test.http, replayed);
    const next = await refresh(test.http, newest.refresh_token);
    const use = await test.http.get('/auth/whoami', { token: newest.access_token });
    expect(replay.body).toMatchObject({ status: 401, terminal: true, session_id: newest.session_id });
    return [replay.body.code, next.body.code, use.body.code];
  };
  const REVOKED = ['refresh_token_reused', 'session_revoked', 'session_revoked'];

  it('rotates at every refresh, and acknowledges the previous generation with it', async () => {
    let { tokens } = await register(test.http);
    for (const generation of [2, 3, 4]) {
      tokens = (await refresh(test.http, tokens.refresh_token)).body;
      expect(generationOf(tokens.refresh_token)).toBe(generation);
      const columns = 'generation, acknowledged_generation, acknowledged_at, rotated_at';
      const [row] = await test.dataSource.query(`SELECT ${columns} FROM sessions WHERE id = '${tokens.session_id}'`);
      expect(row).toMatchObject({
        generation,
        acknowledged_generation: generation - 1,
        acknowledged_at: row.rotated_at,
      });
    }
  });

  it('resends a lost response after any time, until its token was used', async () => {
    const { tokens } = await register(test.http);
    const lost = (await refresh(test.http, tokens.refresh_token)).body;
    test.clock.move('6d');
    const { status, body } = await refresh(test.http, tokens.refresh_token);
    expect([status, body.refresh_token]).toEqual([200, lost.refresh_token]);
  });

  it('is revoked by a replay after the access token of the successor was used', async () => {
    const { tokens } = await register(test.http);
    const next = (await refresh(test.http, tokens.refresh_token)).body;
    await test.http.get('/auth/whoami', { token: next.access_token });
    await test.flush();
    expect(await codesAfter(tokens.refresh_token, next)).toEqual(REVOKED);
  });

  it('is revoked by a replay after the successor was exchanged', async () => {
    const { tokens } = await register(test.http);
    const next = (await refresh(test.http, tokens.refresh_token)).body;
    const newest = (await refresh(test.http, next.refresh_token)).body;
    expect(await codesAfter(tokens.refresh_token, newest)).toEqual(REVOKED);
  });

  it('issues one new generation to twenty parallel refreshes', async () => {
    const { tokens } = await register(test.http);
    const responses = await Promise.all(Array.from({ length: 20 }, () => refresh(test.http, tokens.refresh_token)));
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    const [next, ...others] = [...new Set(responses.map(({ body }) => body.refresh_token))];
    expect([generationOf(next!), others]).toEqual([2, []]);
    expect(generationOf((await refresh(test.http, next!)).body.refresh_token)).toBe(3);
  });
});
