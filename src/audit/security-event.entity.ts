import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { SecurityEventType } from './event-types.js';

/**
 * Something that happened to an account. Rows are never updated, and deleted only when their retention has ended: triggers
 * refuse everything else (OWASP ASVS 5.0 16.4.2). No row contains an e-mail address or a secret.
 */
@Entity('security_events', { withoutRowid: true })
@Index('security_events_user_id', ['userId', 'id'])
export class SecurityEvent {
  /** UUID v7 of `at`: sorted by age. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'security_events_pk' })
  id: string;

  /** Without a foreign key: it outlives the account, as an opaque id. */
  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ type: 'varchar', length: 32 })
  type: SecurityEventType;

  /** Milliseconds since the epoch. */
  @Column({ type: 'bigint' })
  at: number;

  /** The session that the event is about. */
  @Column({ name: 'session_id', type: 'uuid', nullable: true })
  sessionId: string | null;

  /** Where the request came from. Null for an event without a request, as is `userAgent`. */
  @Column({ type: 'varchar', length: 45, nullable: true })
  ip: string | null;

  @Column({ name: 'user_agent', type: 'varchar', length: 256, nullable: true })
  userAgent: string | null;

  /** A JSON object of at most 1 kB. */
  @Column({ type: 'simple-json' })
  details: EventDetails;
}

/** More about an event, by its type: docs/security-events.md. */
export type EventDetails = Record<string, string | number | boolean>;
