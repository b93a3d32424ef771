import { createHmac, createPublicKey, generateKeyPairSync, sign, verify, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { base64url, type Mint } from './forge.js';

/** A signature that is the concatenation of r and s, in hexadecimal digits. */
interface SignatureVector {
  tcId: number;
  comment: string;
  msg: string;
  sig: string;
  result: 'valid' | 'invalid';
}

/** A JWS, in most vectors an attack on a valid one. */
interface TokenVector {
  tcId: number;
  comment: string;
  jws: string;
  result: 'valid' | 'invalid' | 'acceptable';
}

interface TokenGroup {
  keys: (JsonWebKey & { kid?: string })[];
  tests: TokenVector[];
}

export const signatureGroups = load<{ publicKeyUncompressed: string; tests: SignatureVector[] }>(
  'ecdsa_secp256r1_sha256_p1363',
);
export const tokenGroups = load<TokenGroup>('json_web_signature');
/** Attacks by the key: too short, of another algorithm, or for another use. */
export const keyGroups = load<TokenGroup>('json_web_key');

function load<Group>(name: string): Group[] {
  const text = readFileSync(new URL(`wycheproof/${name}_test.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { testGroups: Group[] }).testGroups;
}

/** The public key with an uncompressed point (0x04, x, y) in hexadecimal digits. */
export function keyOf(uncompressed: string) {
  const [x, y] = [uncompressed.slice(2, 66), uncompressed.slice(66)].map((part) =>
    Buffer.from(part, 'hex').toString('base64url'),
  );
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' });
}

/**
 * The attack of a vector on a token of ours. What the vector takes from the valid token of its group becomes ours, with the
 * vector's stray characters around it; a header gets our `typ` and `kid`, and keeps its `alg`; and where the vector signs
 * what it sends with its own key, we sign with ours.
 */
export function mapToken({ jws }: TokenVector, { keys, tests }: TokenGroup, mint: Mint): string {
  const parts = jws.split('.');
  const theirs = tests.find(({ result }) => result === 'valid')?.jws.split('.') ?? parts;
  const kid = parse(theirs[0]!)?.kid;
  const [header, payload] = [withOurKey(theirs[0]!, kid, mint), mint.token.split('.')[1]!];
  const ours = [header, payload, mint.sign(`${header}.${payload}`)];
  const mapped = parts.map((part) => {
    const taken = theirs.findIndex((their) => their !== '' && part.includes(their));
    return taken === -1 ? withOurKey(part, kid, mint) : part.replace(theirs[taken]!, ours[taken]!);
  });
  if (parts.length === 3 && isSigned(parts, keys)) mapped[2] = mint.sign(mapped.slice(0, 2).join('.'));
  return mapped.join('.');
}

/**
 * A token with our claims and our `kid`, and the vector's key in its header. Signed with that key, if it is a secret; the
 * vectors have no private keys, so instead of a public one it is a new one.
 */
export function embedKey({ jws }: TokenVector, key: JsonWebKey, mint: Mint): string {
  const { alg } = parse(jws.split('.')[0]!) as { alg: string };
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = key.kty === 'oct' ? key : { ...key, ...pair.publicKey.export({ format: 'jwk' }) };
  const text = `${base64url({ ...mint.header, alg, jwk })}.${mint.token.split('.')[1]}`;
  const signature =
    key.kty === 'oct'
      ? createHmac('sha256', Buffer.from(key.k!, 'base64url')).update(text).digest()
      : sign('sha256', Buffer.from(text), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

/** A header as it is, but for our `typ`, and our `kid` in place of theirs; any other part unchanged. */
function withOurKey(part: string, kid: unknown, mint: Mint): string {
  const header = parse(part);
  return header
    ? base64url({ ...header, typ: mint.header['typ'], kid: header.kid === kid ? mint.header['kid'] : header.kid })
    : part;
}

function parse(part: string): { kid?: unknown } | null {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as object;
  } catch {
    return null;
  }
}

function isSigned([header, payload, signature]: string[], keys: TokenGroup['keys']): boolean {
  const text = `${header}.${payload}`;
  return keys.some((key) => {
    if (key.kty === 'oct') {
      return createHmac('sha256', Buffer.from(key.k!, 'base64url')).update(text).digest('base64url') === signature;
    }
    const bytes = Buffer.from(signature!, 'base64url');
    try {
      const publicKey = createPublicKey({ key, format: 'jwk' });
      return verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes);
    } catch {
      // Some vectors have a key that is none.
      return false;
    }
  });
}
