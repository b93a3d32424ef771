import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Consecutive failures to sign in: of the unknown devices of an account, of one known device, or within one session. */
@Entity('password_throttles')
@Index('password_throttles_failures', ['failures', 'lastAttemptAt'])
export class PasswordThrottleRow {
  /** A keyed hash. */
  @PrimaryColumn({ type: 'varchar', length: 22, primaryKeyConstraintName: 'password_throttles_pk' })
  key: string;

  @Column({ type: 'integer' })
  failures: number;

  /** Milliseconds since the epoch. */
  @Column({ name: 'last_attempt_at', type: 'bigint' })
  lastAttemptAt: number;
}
