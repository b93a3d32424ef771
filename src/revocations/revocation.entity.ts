import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Access tokens that are refused before their `exp`: those of a session, or those of a user below a token version. */
@Entity('revocations')
export class Revocation {
  /** `session:<id>` or `user:<id>`. */
  @PrimaryColumn({ type: 'varchar', length: 50, primaryKeyConstraintName: 'revocations_pk' })
  subject: string;

  /** For a user: tokens with a smaller `ver` are outdated. 0 for a session. */
  @Column({ name: 'ver', type: 'integer' })
  tokenVersion: number;

  /** When the last of these tokens has expired, and the row may be deleted. Milliseconds since the epoch. */
  @Index('revocations_until')
  @Column({ type: 'bigint' })
  until: number;
}
