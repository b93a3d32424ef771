import type { KeyObject } from 'node:crypto';
import type { JwtService } from '@nestjs/jwt';

/** What a library holds a token of a kind to; `keyFor` comes before it and `read` after. */
export interface SignatureChecks {
  algorithms: ['ES256'] | ['HS256'];
  issuer: string;
  audience: string;
  /** Time is judged by our clock, elsewhere. */
  ignoreExpiration: true;
}

/** The payload of a token that is signed with this key; null of any other text. */
export function signedPayload(
  jwt: JwtService,
  token: string,
  key: KeyObject | undefined,
  checks: SignatureChecks,
): unknown {
  if (!key) return null;
  try {
    // The types of `@nestjs/jwt` know no KeyObject here; `jsonwebtoken`, to which it goes, wants one.
    return jwt.verify<object>(token, { ...checks, publicKey: key as never });
  } catch {
    return null;
  }
}
