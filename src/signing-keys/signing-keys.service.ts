import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { KeyStore, type OpenKey } from '../key-store/key-store.js';
import { scheduleOf, type Schedule } from './key-schedule.js';

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
  sequence: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  kid: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: PublicJwk;
}

const PURPOSE = 'access-signing';
const STALE_MS = 60_000;

/**
 * The ES256 keys of access tokens, which all processes on one database share: one key signs, all of them verify. Which key
 * signs when: `key-schedule.ts`. When new ones are made: `key-rotation.service.ts`.
 */
@Injectable()
export class SigningKeysService implements OnModuleInit {
  /** Grows when a key is removed: tokens that were verified before have to be verified again. */
  edition = 0;
  private ring: SigningKey[] = [];
  private byKid = new Map<string, SigningKey>();
  private readAt = 0;

  constructor(
    private readonly keyStore: KeyStore,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    this.use(await this.keyStore.loadOrCreate(PURPOSE, generate));
  }

  /** How long ago the keys were read from the database. */
  get ageMs(): number {
    return performance.now() - this.readAt;
  }

  /** Whether this process knows the keys of other processes before those sign with them. */
  get areCurrent(): boolean {
    return this.ageMs < STALE_MS;
  }

  get signer(): SigningKey {
    return this.schedule().signer;
  }

  /** Looks into memory only: tokens with unknown keys cost no database read. */
  findPublicKey(kid: string): KeyObject | undefined {
    return this.byKid.get(kid)?.publicKey;
  }

  /** The keys that will sign, the one that signs, and those that signed before. */
  publicKeys(): PublicJwk[] {
    return this.ring.map(({ jwk }) => jwk);
  }

  schedule(): Schedule<SigningKey> {
    return scheduleOf(this.ring, this.clock.now(), this.config.keyRotationIntervalMs);
  }

  /** Reads the keys again: other processes may have changed them. */
  async reload(): Promise<void> {
    const stored = await this.keyStore.load(PURPOSE);
    this.use(stored.length > 0 ? stored : await this.keyStore.loadOrCreate(PURPOSE, generate));
  }

  /** Publishes another key, unless one is waiting to sign, or another process has just published one. */
  async add(): Promise<void> {
    await this.reload();
    if (this.schedule().next) return;
    await this.keyStore.add(PURPOSE, this.ring.at(-1)!.sequence + 1, generate());
    await this.reload();
  }

  /** Replaces all keys by a new one that signs at once. Tokens under the other keys are refused. */
  async replace(): Promise<void> {
    await this.keyStore.replace(PURPOSE, generate());
    await this.reload();
  }

  async remove(keys: SigningKey[]): Promise<void> {
    for (const key of keys) await this.keyStore.remove(PURPOSE, key);
    await this.reload();
  }

  private use(stored: OpenKey[]): void {
    this.readAt = performance.now();
    const before = this.byKid;
    this.ring = stored.map(fromStored);
    this.byKid = new Map(this.ring.map((key) => [key.kid, key]));
    if ([...before.keys()].some((kid) => !this.byKid.has(kid))) this.edition++;
  }
}

function generate(): Buffer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

function fromStored({ sequence, createdAt, secret }: OpenKey): SigningKey {
  const privateKey = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(x, y);
  const jwk: PublicJwk = { kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' };
  return { sequence, createdAt, kid, privateKey, publicKey, jwk };
}

/** RFC 7638: SHA-256 of the required members in alphabetical order. */
export function thumbprint(x: string, y: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url');
}
