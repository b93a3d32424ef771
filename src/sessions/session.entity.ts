import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { User } from '../users/user.entity.js';

/** Why a session was revoked. `restored`: by an operator, after a restore from a backup (docs/operations.md). */
export type RevokedReason =
  'logout' | 'ended_by_user' | 'credentials_changed' | 'reused' | 'session_cap' | 'signed_in_again' | 'restored';

/** How the refresh tokens of a session are delivered: in JSON, or in a cookie of its own. Chosen at sign-in. */
export const DELIVERIES = ['body', 'cookie'] as const;
export type SessionDelivery = (typeof DELIVERIES)[number];

/**
 * A sign-in on one device: one row, from the first refresh to the last. No refresh token is stored, nor a hash of one: the
 * newest is computed from the row (`tokens/refresh-token-verifier.ts`). The rules that change the row: `rotation.ts`.
 *
 * The only indexed column that a refresh writes is `purge_on`, which is a day: after the first rotation of a day all others
 * are HOT updates on PostgreSQL.
 */
@Entity('sessions')
@Check(
  'sessions_acknowledged',
  'acknowledged_generation <= generation AND (acknowledged_generation = 0) = (acknowledged_at IS NULL)',
)
export class Session {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'sessions_pk' })
  id: string;

  @Index('sessions_user_id')
  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sessions_user_id_fk' })
  user: Relation<User>;

  @Column({ type: 'integer' })
  generation: number;

  @Column({ name: 'rotated_at', type: 'bigint' })
  rotatedAt: number;

  @Column({ name: 'acknowledged_generation', type: 'integer' })
  acknowledgedGeneration: number;

  @Column({ name: 'acknowledged_at', type: 'bigint', nullable: true })
  acknowledgedAt: number | null;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;

  /** When the user last authenticated again in this session; null if not since the sign-in. */
  @Column({ name: 'reauthenticated_at', type: 'bigint', nullable: true })
  reauthenticatedAt: number | null;

  @Column({ name: 'expires_at', type: 'bigint' })
  expiresAt: number;

  @Column({ name: 'idle_expires_at', type: 'bigint' })
  idleExpiresAt: number;

  @Column({ name: 'revoked_at', type: 'bigint', nullable: true })
  revokedAt: number | null;

  @Column({ name: 'revoked_reason', type: 'varchar', length: 32, nullable: true })
  revokedReason: RevokedReason | null;

  /** The day, counted from the epoch, on which the row may be deleted: the day after the session expires or is revoked. */
  @Index('sessions_purge_on')
  @Column({ name: 'purge_on', type: 'integer' })
  purgeOn: number;

  @Column({ type: 'varchar', length: 8, default: 'body' })
  delivery: SessionDelivery;

  @Column({ type: 'varchar', length: 45 })
  ip: string;

  @Column({ name: 'user_agent', type: 'varchar', length: 256 })
  userAgent: string;
}
