import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { User } from '../users/user.entity.js';

/** What a one-time token is for. Kinds never mix: each is accepted by the route for it alone. */
export type OneTimeTokenKind = 'register' | 'verify_email' | 'reset_password' | 'change_email' | 'undo_email_change';

/**
 * A link, and perhaps a six-digit code, that was mailed. Only hashes of them are stored. A used row stays until it expires,
 * so that a mail that is composed a second time cannot make its token valid again.
 */
@Entity('one_time_tokens')
export class OneTimeToken {
  /** SHA-256 of the token (256 random bits), in base64url. */
  @PrimaryColumn({ name: 'token_hash', type: 'varchar', length: 43, primaryKeyConstraintName: 'one_time_tokens_pk' })
  tokenHash: string;

  @Column({ type: 'varchar', length: 24 })
  kind: OneTimeTokenKind;

  /** Null where there is no account yet. */
  @Index('one_time_tokens_user_id')
  @Column({ name: 'user_id', type: 'uuid', nullable: true })
  userId: string | null;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'one_time_tokens_user_id_fk' })
  user: Relation<User> | null;

  /** The address whose mailbox the token proves; for an undo, the address that it restores. */
  @Column({ type: 'varchar', length: 320 })
  email: string;

  @Index('one_time_tokens_email_canonical')
  @Column({ name: 'email_canonical', type: 'varchar', length: 320 })
  emailCanonical: string;

  /** More about it by its kind, as JSON: see `TokenDetails`. Erased when the token is used. */
  @Column({ type: 'text', nullable: true })
  details: string | null;

  /** SHA-256 of the code challenge, by which a code is looked up. Null where no code was mailed. */
  @Index('one_time_tokens_challenge_hash')
  @Column({ name: 'challenge_hash', type: 'varchar', length: 43, nullable: true })
  challengeHash: string | null;

  /** SHA-256 of challenge and code. The challenge is stored nowhere: the code cannot be searched for in a stolen copy. */
  @Column({ name: 'code_hash', type: 'varchar', length: 43, nullable: true })
  codeHash: string | null;

  /** How often a code was tried. */
  @Column({ type: 'integer' })
  tries: number;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;

  @Index('one_time_tokens_expires_at')
  @Column({ name: 'expires_at', type: 'bigint' })
  expiresAt: number;

  /** When it was redeemed or revoked. */
  @Column({ name: 'used_at', type: 'bigint', nullable: true })
  usedAt: number | null;
}
