import { createHmac, sign, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { JwtService } from '@nestjs/jwt';
import type { TokenKind } from './token-kinds.js';

/** What a library checks of a token. The header is checked before it, and the claims after it. */
export interface SignatureChecks {
  algorithms: [TokenKind['alg']];
  issuer: string;
  audience: string;
  /** The expiry is compared with the clock of the application, elsewhere. */
  ignoreExpiration: true;
}

export function signatureChecks({ alg, audience }: TokenKind, issuer: string): SignatureChecks {
  return { algorithms: [alg], issuer, audience: audience(issuer), ignoreExpiration: true };
}

const MAX_TOKEN_LENGTH = 4096;

/**
 * The `kid` of a token of this kind, or null when the token is not one. Checked before any signature: three parts in
 * canonical base64url, and a header of exactly `alg`, `typ` and `kid`, which excludes algorithm confusion and leaves no room
 * for `crit`, `jwk`, `jku` or `x5u` (RFC 8725 sections 3.1, 3.5, 3.11; RFC 7515 section 4.1.11).
 */
export function readKeyId(token: string, kind: TokenKind): string | null {
  const parts = token.length <= MAX_TOKEN_LENGTH ? token.split('.') : [];
  if (parts.length !== 3 || !parts.every(isCanonical)) return null;
  const header = parseObject(parts[0]!);
  if (!header || Object.keys(header).length !== 3) return null;
  const { alg, typ, kid } = header;
  return alg === kind.alg && typ === kind.typ && typeof kid === 'string' ? kid : null;
}

/** A key, and its id for the header. */
export interface SigningKey {
  kid: string;
  key: KeyObject;
}

/**
 * A signed token in compact form (RFC 7515 section 3.1). Two of them are made for each refresh: jsonwebtoken takes 24 µs more
 * for the same text.
 */
export function signJwt({ alg, typ }: TokenKind, { kid, key }: SigningKey, claims: object): string {
  const input = `${encode({ alg, typ, kid })}.${encode(claims)}`;
  const signature =
    alg === 'HS256'
      ? createHmac('sha256', key).update(input).digest()
      : sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/**
 * The payload of a token under this secret, compared in constant time (RFC 7515 section 5.2); null for any other text. For
 * tokens whose header `readKeyId` has checked. One is verified for each refresh: jsonwebtoken takes 7 µs more.
 */
export function verifyHmac(token: string, key: KeyObject | undefined): Record<string, unknown> | null {
  if (!key) return null;
  const end = token.lastIndexOf('.');
  const expected = createHmac('sha256', key).update(token.slice(0, end)).digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const claims = parseObject(token.slice(token.indexOf('.') + 1, end));
  // None of ours has a time before which it must not be used: one that has is not ours, at any time.
  return claims && 'nbf' in claims ? null : claims;
}

/** The payload of an access token that is signed with this key; null for any other text. */
export function verifySignature(
  jwt: JwtService,
  token: string,
  key: KeyObject | undefined,
  checks: SignatureChecks,
): unknown {
  if (!key) return null;
  try {
    // The types of `@nestjs/jwt` exclude a KeyObject here; `jsonwebtoken`, which receives it, wants one.
    return jwt.verify<object>(token, { ...checks, publicKey: key as never });
  } catch {
    return null;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Only one text for a sequence of bytes: no padding, no stray bits in the last character. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part;
}

function parseObject(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
