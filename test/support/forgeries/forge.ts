/** A genuine token in its parts, with the key that signed it. */
export interface Mint {
  token: string;
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
  /** Signs a text with the server's own key; base64url. */
  sign: (text: string) => string;
}

/** The fault of a forged token, and how to make the token. */
export type Forgery = [title: string, forge: (mint: Mint) => string];

export function takeApart(token: string, sign: Mint['sign']): Mint {
  const [header, payload] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
  return { token, header: header!, payload: payload!, sign };
}

/** Encodes text and bytes unchanged, and anything else as JSON. */
export function base64url(value: unknown): string {
  const bytes = typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);
  return Buffer.from(bytes as string).toString('base64url');
}

/** A token with a valid signature. `mangle` changes the encoding of the parts before they are signed. */
export function signed(mint: Mint, header: unknown, payload: unknown, mangle = (part: string) => part): string {
  const text = `${mangle(base64url(header))}.${mangle(base64url(payload))}`;
  return `${text}.${mint.sign(text)}`;
}

export function withHeader(mint: Mint, changes: Record<string, unknown>): string {
  return signed(mint, { ...mint.header, ...changes }, mint.payload);
}

export function withClaims(mint: Mint, changes: Record<string, unknown>): string {
  return signed(mint, mint.header, { ...mint.payload, ...changes });
}

/** Sets one claim to raw JSON text, for numbers that JSON.stringify never writes. */
function withRawClaim(mint: Mint, claim: string, text: string): string {
  const payload = JSON.stringify({ ...mint.payload, [claim]: '@' }).replace('"@"', text);
  return signed(mint, mint.header, payload);
}

/** A missing claim, and the claim with each of these wrong values. */
export function claimForgeries(claim: string, values: unknown[]): Forgery[] {
  const wrong = values.map((value): Forgery => [
    `${claim} ${JSON.stringify(value)}`,
    (mint) => withClaims(mint, { [claim]: value }),
  ]);
  return [[`no ${claim}`, (mint) => withClaims(mint, { [claim]: undefined })], ...wrong];
}

/** Invalid times: RFC 7519 requires a number, and this server whole seconds. */
export function timeForgeries(claim: string): Forgery[] {
  // A valid value for iat, exp and auth_time, so that only the type is wrong.
  const soon = Math.floor(Date.now() / 1000) + 50;
  return [
    ...claimForgeries(claim, ['soon', `${soon}`, null, true, [soon], {}, 0, -1, soon + 0.5]),
    [`${claim} 1e400`, (mint) => withRawClaim(mint, claim, '1e400')],
  ];
}

/** Other encodings of the same bytes, and shapes that are not a signed JWT. */
export const SPELLINGS: Forgery[] = [
  ...[0, 1, 2].flatMap((part): Forgery[] => {
    const name = ['header', 'payload', 'signature'][part]!;
    return [
      [`a flipped bit in the ${name}`, ({ token }) => changePart(token, part, flipBit)],
      [`an empty ${name}`, ({ token }) => changePart(token, part, () => '')],
      [`a padded ${name}`, ({ token }) => changePart(token, part, (text) => `${text}=`)],
      [
        `a space in the ${name}`,
        ({ token }) => changePart(token, part, (text) => `${text.slice(0, 9)} ${text.slice(9)}`),
      ],
    ];
  }),
  ['stray bits at the end of the signature', ({ token }) => changePart(token, 2, strayBits)],
  ['stray bits at the end of its parts, validly signed', (mint) => signed(mint, ...padded(mint), strayBits)],
  ['padding, validly signed', (mint) => signed(mint, ...padded(mint), (part) => part.padEnd(part.length + 2, '='))],
  ['the alphabet with + and /, validly signed', (mint) => signed(mint, mint.header, awkward(mint), plainBase64)],
  ['a signature with trailing bytes', ({ token }) => `${token}AAAA`],
  ['a signature of nothing but zeros', ({ token }) => changePart(token, 2, (text) => 'A'.repeat(text.length))],
  ['two parts', ({ token }) => token.split('.').slice(0, 2).join('.')],
  ['its header twice', ({ token }) => `${token.split('.')[0]}.${token}`],
  ['its signature twice', ({ token }) => `${token}.${token.split('.')[2]}`],
  ['five parts, as a JWE has', ({ token }) => `${token}.${token.split('.').slice(1).join('.')}`],
  ['a payload that is a list', (mint) => signed(mint, mint.header, [mint.payload])],
  ['a payload that is text', (mint) => signed(mint, mint.header, JSON.stringify(JSON.stringify(mint.payload)))],
  ['a payload that is null', (mint) => signed(mint, mint.header, 'null')],
  ['a payload that is no JSON', (mint) => signed(mint, mint.header, 'iss=me')],
  ['a header that is a list', (mint) => signed(mint, [mint.header], mint.payload)],
  ['a header that is no JSON', (mint) => signed(mint, 'ES256', mint.payload)],
];

/** Changed and additional header parameters under a valid signature: algorithm confusion, key injection. */
export const HEADERS: Forgery[] = [
  ...[
    'none',
    'None',
    'nOnE',
    'NONE',
    '',
    'RS256',
    'ES384',
    'HS512',
    'es256',
    'hs256',
    null,
    ['ES256'],
    ['HS256'],
  ].flatMap((alg): Forgery[] => [
    [`alg ${JSON.stringify(alg)}`, (mint) => withHeader(mint, { alg })],
    [
      `alg ${JSON.stringify(alg)} and no signature`,
      ({ header, payload }) => `${base64url({ ...header, alg })}.${base64url(payload)}.`,
    ],
  ]),
  ...['JWT', 'jwt', undefined, '', null, 'AT+JWT', 'Refresh+JWT', 'application/at+jwt', 'application/refresh+jwt'].map(
    (typ): Forgery => [`typ ${JSON.stringify(typ)}`, (mint) => withHeader(mint, { typ })],
  ),
  ...['unknown', undefined, '', null, '../../../../../../dev/null', "' OR 1=1 --", '__proto__', 'constructor', 0].map(
    (kid): Forgery => [`kid ${JSON.stringify(kid)}`, (mint) => withHeader(mint, { kid })],
  ),
  ['its kid in a list', (mint) => withHeader(mint, { kid: [mint.header['kid']] })],
  ...Object.entries({
    crit: [],
    b64: false,
    cty: 'JWT',
    zip: 'DEF',
    jwk: { kty: 'oct', k: 'AA' },
    jku: 'https://attacker.example/jwks.json',
    x5u: 'https://attacker.example/x5u',
    x5c: ['AA=='],
    x5t: 'AA',
  }).map(([name, value]): Forgery => [`${name} in the header`, (mint) => withHeader(mint, { [name]: value })]),
  ['crit that asks for b64', (mint) => withHeader(mint, { crit: ['b64'], b64: true })],
];

function changePart(token: string, index: number, change: (part: string) => string): string {
  return token
    .split('.')
    .map((part, i) => (i === index ? change(part) : part))
    .join('.');
}

function flipBit(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString('base64url');
}

/** Another last character that decodes to the same bytes. */
function strayBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  if (part.length % 4 === 0) throw new Error('A part of this length has no spare bits');
  return part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1)!) + 1]!;
}

/** Header and payload with trailing spaces, one byte too long for complete base64 groups. */
function padded({ header, payload }: Mint): [string, string] {
  const pad = (value: object) => {
    const json = JSON.stringify(value);
    return json.padEnd(json.length + ((4 - (json.length % 3)) % 3), ' ');
  };
  return [pad(header), pad(payload)];
}

/** A payload whose base64url contains both - and _. */
function awkward({ payload }: Mint): string {
  const text = [0, 1, 2].map((n) => JSON.stringify({ ...payload, more: `${' '.repeat(n)}>>>???~~~` }));
  return text.find((json) => /-/.test(base64url(json)) && /_/.test(base64url(json)))!;
}

function plainBase64(part: string): string {
  return part.replaceAll('-', '+').replaceAll('_', '/');
}
