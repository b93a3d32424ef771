import { createHmac, randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { KeyStore } from '../key-store/key-store.js';

/** 128 bits: nobody finds a second subject with the same hash. */
const HASH_BYTES = 16;

/**
 * Keyed hashes of what is counted, so that a copy of the database contains no address. The key is random, made once and
 * stored encrypted: unlike one derived from APP_SECRET it is the same in all processes while a new secret rolls out, and a
 * change of APP_SECRET does not give an attacker a new budget.
 */
@Injectable()
export class SubjectHasher implements OnModuleInit {
  private key: Buffer | undefined;

  constructor(private readonly keyStore: KeyStore) {}

  async onModuleInit(): Promise<void> {
    const [oldest] = await this.keyStore.loadOrCreate('rate-limits', () => randomBytes(32));
    this.key = oldest!.secret;
  }

  /** 22 characters. Hashes of different uses are unrelated. */
  hash(use: 'limit' | 'account' | 'device' | 'session' | 'code', ...subject: string[]): string {
    if (!this.key) throw new Error('The key of the rate limits is not loaded yet');
    const text = JSON.stringify([use, ...subject]);
    return createHmac('sha256', this.key).update(text).digest().subarray(0, HASH_BYTES).toString('base64url');
  }
}
