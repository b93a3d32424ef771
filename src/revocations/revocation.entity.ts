import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Access tokens that end before their `exp`: every token of a session, or a user's tokens older than a `ver`. */
@Entity('revocations')
export class Revocation {
  /** `session:<id>` or `user:<id>`. */
  @PrimaryColumn({ type: 'varchar', length: 50, primaryKeyConstraintName: 'revocations_pk' })
  subject: string;

  /** For a user: tokens with a smaller `ver` are out of date. 0 for a session. */
  @Column({ type: 'integer' })
  ver: number;

  /** When the last token it speaks of has expired, and the row may go. */
  @Index('revocations_until')
  @Column({ type: 'bigint' })
  until: number;
}
