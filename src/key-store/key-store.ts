import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import { CannotOpenError, SecretBox } from './secret-box.js';
import { StoredKey, type KeyPurpose } from './stored-key.entity.js';

export interface OpenKey {
  sequence: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  secret: Buffer;
}

/** Thrown at boot when the database was written under another APP_SECRET. */
export class WrongAppSecretError extends Error {
  constructor() {
    super(
      'APP_SECRET does not open the keys in this database. Is this the environment of your servers? If the secret was ' +
        'changed, put the one before it back into the list (APP_SECRET=new,old): docs/operations.md, Secrets.',
    );
  }
}

/** Secret keys that all processes share: stored in the database, encrypted under APP_SECRET. */
@Injectable()
export class KeyStore {
  constructor(
    @InjectRepository(StoredKey) private readonly keys: Repository<StoredKey>,
    private readonly database: Database,
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {}

  /**
   * The keys of a purpose, oldest first; makes the first where there is none. Processes that start together on an empty
   * database agree: the primary key lets one of them insert, and all read what it wrote. Throws `WrongAppSecretError`.
   */
  async loadOrCreate(purpose: KeyPurpose, generate: () => Buffer): Promise<OpenKey[]> {
    const existing = await this.load(purpose);
    if (existing.length === 0) await this.add(purpose, 1, generate());
    else await this.resealAll(purpose);
    return this.load(purpose);
  }

  /** The keys of a purpose, oldest first. Throws `WrongAppSecretError`. */
  async load(purpose: KeyPurpose): Promise<OpenKey[]> {
    return (await this.rowsOf(purpose)).map(({ sequence, createdAt, sealed }) => ({
      sequence,
      createdAt,
      secret: this.open(sealed, label(purpose, sequence)),
    }));
  }

  /** Adds a key, unless another process has added one with this number. */
  async add(purpose: KeyPurpose, sequence: number, secret: Buffer, on: Statements = this.database): Promise<void> {
    await on.write(
      `INSERT INTO keys (purpose, sequence, sealed, created_at) VALUES ($1, $2::integer, $3, $4::bigint)
       ON CONFLICT (purpose, sequence) DO NOTHING`,
      [purpose, sequence, this.box.seal(secret, label(purpose, sequence)), this.clock.now()],
    );
  }

  /** Removes this key, but not another one that has its number by now. */
  async remove(purpose: KeyPurpose, { sequence, createdAt }: Pick<OpenKey, 'sequence' | 'createdAt'>): Promise<void> {
    await this.database.write(
      'DELETE FROM keys WHERE purpose = $1 AND sequence = $2::integer AND created_at = $3::bigint',
      [purpose, sequence, createdAt],
    );
  }

  /** Replaces all keys of a purpose by one. */
  async replace(purpose: KeyPurpose, secret: Buffer): Promise<void> {
    await this.database.transaction(async (transaction) => {
      // Of two replacements at once, the second has to see the key of the first.
      if (this.database.kind === 'postgres') await transaction.write('LOCK TABLE keys IN EXCLUSIVE MODE');
      const sql = 'DELETE FROM keys WHERE purpose = $1 RETURNING sequence';
      const gone = await transaction.write<{ sequence: number }>(sql, [purpose]);
      await this.add(purpose, Math.max(0, ...gone.map(({ sequence }) => sequence)) + 1, secret, transaction);
    });
  }

  private rowsOf(purpose: KeyPurpose): Promise<StoredKey[]> {
    return this.keys.find({ where: { purpose }, order: { sequence: 'ASC' } });
  }

  /**
   * Encrypts the keys again under the first secret of the list, so that the old one can be dropped later. Only when a
   * process starts: while a new list rolls out, the first secret of other processes is a different one.
   */
  private async resealAll(purpose: KeyPurpose): Promise<void> {
    for (const { sequence, sealed } of await this.rowsOf(purpose)) {
      const secret = this.open(sealed, label(purpose, sequence));
      if (this.box.isOutdated(sealed)) await this.reseal(purpose, sequence, sealed, secret);
    }
  }

  private async reseal(purpose: KeyPurpose, sequence: number, sealed: string, secret: Buffer): Promise<void> {
    await this.database.write('UPDATE keys SET sealed = $1 WHERE purpose = $2 AND sequence = $3 AND sealed = $4', [
      this.box.seal(secret, label(purpose, sequence)),
      purpose,
      sequence,
      sealed,
    ]);
  }

  private open(sealed: string, as: string): Buffer {
    try {
      return this.box.open(sealed, as);
    } catch (error) {
      if (error instanceof CannotOpenError) throw new WrongAppSecretError();
      throw error;
    }
  }
}

function label(purpose: KeyPurpose, sequence: number): string {
  return `${purpose} ${sequence}`;
}
