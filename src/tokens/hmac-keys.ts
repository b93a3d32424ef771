import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { SigningKey } from './jwt.js';

/** The keys of one kind of token: the first secret of APP_SECRET signs, all of them verify. */
export interface HmacKeys {
  byId: Map<string, KeyObject>;
  signer: SigningKey;
}

/** Derives them by HKDF: each kind of token has keys of its own (RFC 8725 section 3.12). */
export function deriveHmacKeys(secrets: string[], kind: 'refresh' | 'device' | 'challenge' | 'solution'): HmacKeys {
  const byId = new Map<string, KeyObject>();
  for (const secret of secrets) {
    const derive = (use: string, length: number) => Buffer.from(hkdfSync('sha256', secret, '', use, length));
    const kid = derive(`latchkey ${kind} token id`, 9).toString('base64url');
    byId.set(kid, createSecretKey(derive(`latchkey ${kind} token key`, 32)));
  }
  const [kid, key] = [...byId][0]!;
  return { byId, signer: { kid, key } };
}
