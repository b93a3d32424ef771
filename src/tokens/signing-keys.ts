import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { KeyStore } from '../keys/key-store.js';

/** A public key as RFC 7517 writes it. */
export interface PublicJwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
  kid: string;
  alg: 'ES256';
  use: 'sig';
}

interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: PublicJwk;
}

/** The ES256 keys of access tokens. All processes on one database share them; the newest signs, all verify. */
@Injectable()
export class SigningKeys implements OnModuleInit {
  private readonly byKid = new Map<string, SigningKey>();
  private newest: SigningKey;

  constructor(private readonly keyStore: KeyStore) {}

  async onModuleInit(): Promise<void> {
    const stored = await this.keyStore.loadOrCreate('access-signing', generate);
    for (const { secret } of stored) {
      this.newest = fromPkcs8(secret);
      this.byKid.set(this.newest.kid, this.newest);
    }
  }

  get signer(): { kid: string; privateKey: KeyObject } {
    return this.newest;
  }

  verifier(kid: string): KeyObject | undefined {
    return this.byKid.get(kid)?.publicKey;
  }

  publicKeys(): PublicJwk[] {
    return [...this.byKid.values()].map(({ jwk }) => jwk);
  }
}

function generate(): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

function fromPkcs8(der: Buffer): SigningKey {
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(x, y);
  return { kid, privateKey, publicKey, jwk: { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' } };
}

/** RFC 7638: SHA-256 of the required members in alphabetical order. */
export function thumbprint(x: string, y: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url');
}
