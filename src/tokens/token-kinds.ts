/** What sets one kind of token apart. Kinds never mix: each has its own `typ`, audience and key (RFC 8725 section 3.12). */
export interface TokenKind {
  alg: 'ES256' | 'HS256';
  typ: 'at+jwt' | 'refresh+jwt' | 'device+jwt';
  audience: (issuer: string) => string;
}

/** For this API and for services that trust its issuer. */
export const ACCESS_TOKEN: TokenKind = { alg: 'ES256', typ: 'at+jwt', audience: (issuer) => issuer };

/** For the refresh endpoint alone. */
export const REFRESH_TOKEN: TokenKind = {
  alg: 'HS256',
  typ: 'refresh+jwt',
  audience: (issuer) => `${issuer}/auth/refresh`,
};

/** For sign-ins alone. */
export const DEVICE_TOKEN: TokenKind = {
  alg: 'HS256',
  typ: 'device+jwt',
  audience: (issuer) => `${issuer}/auth/device`,
};
