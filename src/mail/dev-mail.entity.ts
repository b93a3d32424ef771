import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A mail that was not sent but kept for `/dev/mail`: outside production, without SMTP_URL. */
@Entity('dev_mails')
export class DevMail {
  /** That of its entry in the outbox. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'dev_mails_pk' })
  id: string;

  @Column({ type: 'varchar', length: 320 })
  recipient: string;

  @Column({ type: 'text' })
  subject: string;

  @Column({ type: 'text' })
  text: string;

  @Column({ type: 'text' })
  html: string;

  @Column({ name: 'created_at', type: 'bigint' })
  createdAt: number;
}
