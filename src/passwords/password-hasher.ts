import { createHmac, randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { Config } from '../config/config.js';
import { KeyStore } from '../key-store/key-store.js';
import type { Ticket } from './fair-queue.js';
import { HashingQueue, LookupQueue } from './hashing-queue.js';

const STORED = /^\{hs384:(\d+)\}(\$2b\$(\d\d)\$[./A-Za-z0-9]{53})$/;

/**
 * bcrypt over base64(HMAC-SHA-384(key, NFC password)), because bcrypt reads only 72 bytes and stops at NUL. The key is
 * random, made once, and stored encrypted: a copy of the database allows no offline brute force without APP_SECRET (NIST SP
 * 800-63B-4 section 3.1.1.2), and a change of APP_SECRET touches no password.
 */
@Injectable()
export class PasswordHasher implements OnModuleInit {
  private readonly keys = new Map<number, Buffer>();
  private newest = 0;

  constructor(
    private readonly config: Config,
    private readonly keyStore: KeyStore,
    private readonly queue: HashingQueue,
    private readonly lookups: LookupQueue,
  ) {}

  async onModuleInit(): Promise<void> {
    const keys = await this.keyStore.loadOrCreate('password-prehash', () => randomBytes(48));
    for (const { sequence, secret } of keys) this.keys.set(sequence, secret);
    this.newest = keys.at(-1)!.sequence;
  }

  /** The stored form: `{hs384:<key>}<bcrypt>`. Throws `hashing_busy`. */
  async hash(password: string, ticket: Ticket): Promise<string> {
    const digest = this.prehash(password, this.newest);
    const hash = await this.queue.inTurn(ticket, () => bcrypt.hash(digest, this.config.bcryptCost));
    return `{hs384:${this.newest}}${hash}`;
  }

  /**
   * The owner of the password: whom `find` finds, if it is theirs. Where nobody is found it is compared with a dummy hash,
   * against user enumeration by timing. Throws `hashing_busy`.
   */
  async verify<Owner extends { passwordHash: string | null }>(
    password: string,
    find: () => Promise<Owner | null>,
    ticket: Ticket,
  ): Promise<Owner | null> {
    const owner = await this.lookups.inTurn(ticket, find);
    const matches = await this.queue.inTurn(ticket, () => this.matches(password, owner?.passwordHash ?? null));
    return matches ? owner : null;
  }

  /** Whether a hash was made at a lower cost than is configured now, or with an older key. */
  isOutdated(stored: string | null): boolean {
    const match = STORED.exec(stored ?? '');
    return Number(match?.[1]) !== this.newest || Number(match?.[3]) < this.config.bcryptCost;
  }

  private async matches(password: string, stored: string | null): Promise<boolean> {
    // Unpaired surrogates all become U+FFFD in UTF-8, and would match one another.
    const match = stored === null || !password.isWellFormed() ? null : STORED.exec(stored);
    const digest = this.prehash(password, Number(match?.[1] ?? this.newest));
    const same = await bcrypt.compare(digest, match?.[2] ?? this.dummyHash());
    return same && match !== null;
  }

  private prehash(password: string, sequence: number): string {
    const key = this.keys.get(sequence);
    if (!key) throw new Error(`There is no password pre-hash key ${sequence}`);
    return createHmac('sha384', key).update(password.normalize('NFC')).digest('base64');
  }

  /** A hash of no known password, of the configured cost. */
  private dummyHash(): string {
    return `$2b$${String(this.config.bcryptCost).padStart(2, '0')}$${'N'.repeat(21)}e${'N'.repeat(31)}`;
  }
}
