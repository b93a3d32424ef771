import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import type { Jwt } from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { signJwt, verifyHmac } from './jwt.js';
import { ACCESS_TOKEN, DEVICE_TOKEN, REFRESH_TOKEN } from './token-kinds.js';

const library = new JwtService({});
const KID = 'a-key-id';
const CLAIMS = [
  { sub: 'a', gen: 1, roles: ['user', 'admin'], iat: 1_796_000_000 },
  { sub: 'Zoë "🦊" \u2028 日本語 \\ \n', iat: 1, nested: { a: [null, 1.5, true] } },
];

describe('a token under a secret', () => {
  const key = createSecretKey(randomBytes(32));
  const [claims] = CLAIMS;
  const token = signJwt(REFRESH_TOKEN, { kid: KID, key }, claims!);
  const [head, body, signature] = token.split('.') as [string, string, string];
  const other = Buffer.from(JSON.stringify({ ...claims, gen: 2 })).toString('base64url');

  it('is verified by its key alone', () => {
    expect(verifyHmac(token, key)).toEqual(claims);
    expect(verifyHmac(token, createSecretKey(randomBytes(32)))).toBeNull();
    expect(verifyHmac(token, undefined)).toBeNull();
  });

  it.each([
    ['another payload', `${head}.${other}.${signature}`],
    ['another header', `${other}.${body}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['half a signature', `${head}.${body}.${signature.slice(0, 20)}`],
    ['a longer signature', `${token}AAAA`],
    ['a fourth part', `${head}.${body}.${body}.${signature}`],
    ['no dots', 'token'],
    ['no text', ''],
  ])('is refused with %s', (_, text) => {
    expect(verifyHmac(text, key)).toBeNull();
  });

  it('is refused with one bit of its signature changed', () => {
    const bytes = Buffer.from(signature, 'base64url');
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(verifyHmac(`${head}.${body}.${changed.toString('base64url')}`, key)).toBeNull();
    }
  });
});

describe('a signed token', () => {
  it.each([REFRESH_TOKEN, DEVICE_TOKEN])('under a secret is the text of the library: $typ', (kind) => {
    const key = createSecretKey(randomBytes(32));
    const { alg, typ } = kind;
    for (const claims of CLAIMS) {
      const expected = library.sign(claims, { privateKey: key, algorithm: alg, header: { alg, typ, kid: KID } });
      expect(signJwt(kind, { kid: KID, key }, claims)).toBe(expected);
    }
  });

  it('under an ES256 key is verified by the library, with 64 bytes of signature', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const [claims] = CLAIMS;
    for (let i = 0; i < 100; i++) {
      const token = signJwt(ACCESS_TOKEN, { kid: KID, key: privateKey }, claims!);
      const { header, payload } = library.verify<Jwt>(token, { publicKey: publicKey as never, complete: true });
      expect({ header, payload }).toEqual({ header: { alg: 'ES256', typ: 'at+jwt', kid: KID }, payload: claims });
      expect(Buffer.from(token.split('.')[2]!, 'base64url')).toHaveLength(64);
    }
  });
});
