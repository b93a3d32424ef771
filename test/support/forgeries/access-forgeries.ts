import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { claimForgeries, signed, timeForgeries, withClaims, withHeader, type Forgery, type Mint } from './forge.js';

/** `iss` and `aud` of access tokens under the default configuration. */
export const ISSUER = 'http://localhost:3000';

const inSeconds = (later: number) => Math.floor(Date.now() / 1000) + later;

/** A JWS signature with ES256 (RFC 7518 section 3.4), in base64url. */
export function es256(key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363') {
  return (text: string) => sign('sha256', Buffer.from(text), { key, dsaEncoding }).toString('base64url');
}

/** Payloads with missing or wrong claims under a valid signature. */
export const ACCESS_CLAIMS: Forgery[] = [
  ...claimForgeries('iss', ['', 'https://attacker.example', `${ISSUER}/`, [ISSUER], 1, null]),
  ...claimForgeries('aud', ['', 'https://other.example', `${ISSUER}/auth/refresh`, [ISSUER], [], null]),
  ...['sub', 'sid', 'client_id', 'jti'].flatMap((claim) => claimForgeries(claim, ['', 1, null, ['a'], {}, true])),
  ...['gen', 'ver'].flatMap((claim) => claimForgeries(claim, ['1', 0, -1, 1.5, null, [1], 2 ** 31])),
  ...claimForgeries('roles', ['admin', {}, [1], [['admin']], null]),
  ...['auth_time', 'iat', 'exp'].flatMap(timeForgeries),
  ['iat two minutes from now', (mint) => withClaims(mint, { iat: inSeconds(120), exp: inSeconds(600) })],
  ['nbf in the future', (mint) => withClaims(mint, { nbf: inSeconds(600) })],
  ['nbf that is not a number', (mint) => withClaims(mint, { nbf: 'now' })],
];

/** Signatures with another key, algorithm (algorithm confusion) or encoding; `real` is the server's private key. */
export const OTHER_SIGNATURES: [title: string, forge: (mint: Mint, real: KeyObject) => string][] = [
  ...Object.entries({
    PEM: (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }),
    DER: (key: KeyObject) => key.export({ format: 'der', type: 'spki' }),
    JWK: (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' })),
    point: (key: KeyObject) => Buffer.concat([coordinate(key, 'x'), coordinate(key, 'y')]),
  }).map(([name, secretOf]): (typeof OTHER_SIGNATURES)[number] => [
    `HS256 under the ${name} of the public key`,
    (mint, real) => withHeader({ ...mint, sign: hs256(secretOf(createPublicKey(real))) }, { alg: 'HS256' }),
  ]),
  [
    'RS256 under an attacker’s key',
    (mint) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const rs256 = (text: string) => sign('sha256', Buffer.from(text), privateKey).toString('base64url');
      return withHeader({ ...mint, sign: rs256 }, { alg: 'RS256' });
    },
  ],
  ['another P-256 key under our kid', (mint) => signed({ ...mint, sign: es256(newKey()) }, mint.header, mint.payload)],
  [
    'another P-256 key, sent in the jwk header',
    (mint) => {
      const key = newKey();
      const jwk = createPublicKey(key).export({ format: 'jwk' });
      return withHeader({ ...mint, sign: es256(key) }, { jwk });
    },
  ],
  ['our signature, encoded in DER', (mint, real) => withHeader({ ...mint, sign: es256(real, 'der') }, {})],
];

function hs256(key: string | Buffer) {
  return (text: string) => createHmac('sha256', key).update(text).digest('base64url');
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function coordinate(key: KeyObject, name: 'x' | 'y'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[name]!, 'base64url');
}
