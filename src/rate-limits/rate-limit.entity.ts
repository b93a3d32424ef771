import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The points of an address or a network in its window. On SQLite the table stays empty: its one process counts in memory. */
@Entity('rate_limits')
export class RateLimitRow {
  /** A keyed hash of the limit and its subject. */
  @PrimaryColumn({ type: 'varchar', length: 22, primaryKeyConstraintName: 'rate_limits_pk' })
  key: string;

  @Column({ type: 'integer' })
  points: number;

  /** Milliseconds since the epoch. */
  @Index('rate_limits_expires_at')
  @Column({ name: 'expires_at', type: 'bigint' })
  expiresAt: number;
}
