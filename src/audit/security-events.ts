import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Database, type Statements } from '../database/database.js';
import type { RequestOrigin } from '../http/request-origin.js';
import type { SecurityEventType } from './event-types.js';
import type { EventDetails } from './security-event.entity.js';

const MAX_TEXT = 256;
const MAX_DETAILS_BYTES = 1024;
const SEQUENCE = 2 ** 31;
const COLUMNS = {
  id: 'uuid',
  user_id: 'uuid',
  type: 'text',
  at: 'bigint',
  session_id: 'uuid',
  ip: 'text',
  user_agent: 'text',
  details: 'text',
} as const;
const NAMES = Object.keys(COLUMNS).join(', ');

export interface NewSecurityEvent {
  type: SecurityEventType;
  userId: string;
  /** The session that the event is about. */
  sessionId?: string | null;
  /** Where the request came from that caused it. */
  origin?: RequestOrigin | null;
  /** No e-mail address and no secret. Texts are cut to 256 characters; all of it as JSON has at most 1 kB. */
  details?: EventDetails;
}

/** An event as it was stored. */
export type RecordedEvent = NewSecurityEvent & { id: string; at: number };

/** Runs in the transaction of the events. */
type Observer = (events: RecordedEvent[], on: Statements) => Promise<void>;

/** Records security events. A table that only grows: docs/security-events.md. */
@Injectable()
export class SecurityEvents {
  /** Orders the events of one millisecond. */
  private sequence = 0;
  private readonly observers: Observer[] = [];

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Stores an event in the transaction of what happened: both or neither. */
  record(event: NewSecurityEvent, on: Statements): Promise<void> {
    return this.recordAll([event], on);
  }

  /** For an event without a change that it belongs to. */
  recordNow(event: NewSecurityEvent): Promise<void> {
    return this.database.transaction((transaction) => this.record(event, transaction));
  }

  /** The same for several events, in one statement. Their order is kept. */
  async recordAll(events: NewSecurityEvent[], on: Statements): Promise<void> {
    if (events.length === 0) return;
    const recorded = events.map((event) => ({ ...event, ...this.nextId() }));
    await on.write(
      `INSERT INTO security_events (${NAMES}) SELECT ${NAMES} FROM ${this.database.table('$1', COLUMNS)} AS e`,
      [JSON.stringify(recorded.map(toRow))],
    );
    for (const observe of this.observers) await observe(recorded, on);
  }

  /** For features that tell somebody of events: both are stored, or neither. */
  onRecorded(observer: Observer): void {
    this.observers.push(observer);
  }

  /** Whether there is an event of this type. */
  async has(userId: string, type: SecurityEventType, on: Statements): Promise<boolean> {
    const sql = 'SELECT id FROM security_events WHERE user_id = $1::uuid AND type = $2 LIMIT 1';
    return (await on.read(sql, [userId, type])).length > 0;
  }

  private nextId(): { id: string; at: number } {
    const at = this.clock.now();
    this.sequence = (this.sequence + 1) % SEQUENCE;
    return { id: uuidv7({ msecs: at, seq: this.sequence }), at };
  }
}

function toRow({ id, at, type, userId, sessionId = null, origin = null, details = {} }: RecordedEvent) {
  return {
    id,
    user_id: userId,
    type,
    at,
    session_id: sessionId,
    ip: origin?.ip ?? null,
    user_agent: origin && cut(origin.userAgent),
    details: toJson(details),
  };
}

function toJson(details: EventDetails): string {
  const entries = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'string' ? cut(value) : value,
  ]);
  const json = JSON.stringify(Object.fromEntries(entries));
  if (Buffer.byteLength(json) > MAX_DETAILS_BYTES) throw new Error('The details of a security event exceed 1 kB');
  return json;
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed();
}
