import { Column, Entity, PrimaryColumn } from 'typeorm';

export type KeyPurpose = 'access-signing' | 'password-prehash' | 'rate-limits';

/** A key that outlives any process: the secret part only as ciphertext. */
@Entity('keys')
export class StoredKey {
  @PrimaryColumn({ type: 'varchar', length: 32, primaryKeyConstraintName: 'keys_pk' })
  purpose: KeyPurpose;

  /** 1, 2, 3 …: of two processes that make the same one, the first to write it has made it. */
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'keys_pk' })
  sequence: number;

  /** The secret or private key, encrypted by `SecretBox`. */
  @Column({ type: 'text' })
  sealed: string;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;
}
