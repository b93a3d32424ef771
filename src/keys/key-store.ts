import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Clock } from '../common/clock.js';
import { Database } from '../database/database.js';
import { CannotOpen, SecretBox } from './secret-box.js';
import { StoredKey, type KeyPurpose } from './stored-key.entity.js';

export interface OpenKey {
  sequence: number;
  secret: Buffer;
}

/** Thrown at boot when the database was written under another APP_SECRET. */
export class WrongAppSecret extends Error {
  constructor() {
    super(
      'APP_SECRET does not open the keys in this database. Put the secret it was made with back into the list ' +
        '(APP_SECRET=new,old); to give up what it protects, delete the rows of the table "keys": every session ends ' +
        'and every password has to be reset.',
    );
  }
}

/** Keys that all processes share and that outlive them: kept in the database, encrypted under APP_SECRET. */
@Injectable()
export class KeyStore {
  constructor(
    @InjectRepository(StoredKey) private readonly keys: Repository<StoredKey>,
    private readonly database: Database,
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {}

  /**
   * The keys of a purpose, oldest first; makes the first where there is none. Processes that start together on an
   * empty database agree: the primary key lets one of them in, and all read what it wrote. Throws `WrongAppSecret`.
   */
  async loadOrCreate(purpose: KeyPurpose, generate: () => Buffer): Promise<OpenKey[]> {
    const existing = await this.load(purpose);
    if (existing.length > 0) return existing;
    const sealed = this.box.seal(generate(), label(purpose, 1));
    await this.database.rows(
      `INSERT INTO keys (purpose, sequence, sealed, created_at) VALUES ($1, 1, $2, $3)
       ON CONFLICT (purpose, sequence) DO NOTHING`,
      [purpose, sealed, this.clock.now()],
    );
    return this.load(purpose);
  }

  private async load(purpose: KeyPurpose): Promise<OpenKey[]> {
    const rows = await this.keys.find({ where: { purpose }, order: { sequence: 'ASC' } });
    return Promise.all(
      rows.map(async ({ sequence, sealed }) => {
        const secret = this.open(sealed, label(purpose, sequence));
        if (this.box.isOutdated(sealed)) await this.reseal(purpose, sequence, sealed, secret);
        return { sequence, secret };
      }),
    );
  }

  /** Moves a key under the first secret of the list, so that the one it was made with can be dropped one day. */
  private async reseal(purpose: KeyPurpose, sequence: number, sealed: string, secret: Buffer): Promise<void> {
    await this.database.rows('UPDATE keys SET sealed = $1 WHERE purpose = $2 AND sequence = $3 AND sealed = $4', [
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
      if (error instanceof CannotOpen) throw new WrongAppSecret();
      throw error;
    }
  }
}

function label(purpose: KeyPurpose, sequence: number): string {
  return `${purpose} ${sequence}`;
}
