import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export type UserStatus = 'active' | 'disabled';

@Entity('users')
export class User {
  /** UUID v7: sorted by age, which keeps the index compact. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'users_pk' })
  id: string;

  /** As the user typed it (NFC, domain in ASCII). Mail goes here. */
  @Column({ type: 'varchar', length: 320 })
  email: string;

  /** Two spellings of one address have the same canonical form. */
  @Index('users_email_canonical', { unique: true })
  @Column({ name: 'email_canonical', type: 'varchar', length: 320 })
  emailCanonical: string;

  @Column({ type: 'varchar', length: 100, nullable: true })
  name: string | null;

  /** `{hs384:<key>}<bcrypt>`: see `passwords/password-hasher.ts`. Null for an account without a password. */
  @Column({ name: 'password_hash', type: 'varchar', length: 100, nullable: true })
  passwordHash: string | null;

  @Column({ type: 'simple-json' })
  roles: string[];

  @Column({ type: 'varchar', length: 16 })
  status: UserStatus;

  /** Grows when roles, password or status change: access tokens with a smaller `ver` are then outdated. */
  @Column({ name: 'ver', type: 'integer' })
  tokenVersion: number;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;

  @Column({ name: 'updated_at', type: 'bigint' })
  updatedAt: number;

  /** When the user proved that they read the mail of this address; null if never. */
  @Column({ name: 'email_verified_at', type: 'bigint', nullable: true })
  emailVerifiedAt: number | null;

  /** The language of mails: a BCP 47 tag. Null where it is not known. */
  @Column({ type: 'varchar', length: 35, nullable: true })
  locale: string | null;
}
