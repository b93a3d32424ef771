import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { CURSOR_LENGTH } from './event-cursors.js';
import type { EventPage } from './event-list.service.js';
import { SECURITY_EVENT_TYPES, type SecurityEventType } from './event-types.js';
import type { EventDetails, SecurityEvent } from './security-event.entity.js';

const MAX_LIMIT = 100;
const LIMIT_RULE = { message: `Query parameter limit must be a whole number from 1 to ${MAX_LIMIT}.` };

export class SecurityEventsQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: 20 })
  @IsOptional()
  @Transform(({ value }) => (/^\d{1,3}$/.test(String(value)) ? Number(value) : value))
  @Max(MAX_LIMIT, LIMIT_RULE)
  @Min(1, LIMIT_RULE)
  @IsInt(LIMIT_RULE)
  limit?: number;

  @ApiPropertyOptional({ description: '`next` of the page before.' })
  @IsOptional()
  @Matches(new RegExp(`^[\\w-]{${CURSOR_LENGTH}}$`), {
    message: 'Use the value of `next` from the page before, unchanged.',
  })
  cursor?: string;
}

export class SecurityEventView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ enum: SECURITY_EVENT_TYPES }) type: SecurityEventType;
  @ApiProperty({ format: 'date-time' }) at: string;
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The session that it is about.' })
  sessionId: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'The address that the request came from.' })
  ip: string | null;
  @ApiProperty({ type: String, nullable: true }) userAgent: string | null;
  @ApiProperty({
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    description: 'More about it, by its type.',
  })
  details: EventDetails;
  @ApiProperty({ description: 'Whether it is about the session of this request.' }) current: boolean;

  static from(event: SecurityEvent, currentSessionId: string): SecurityEventView {
    const { id, type, sessionId, ip, userAgent, details } = event;
    const current = sessionId === currentSessionId;
    const at = new Date(event.at).toISOString();
    return Object.assign(new SecurityEventView(), { id, type, at, sessionId, ip, userAgent, details, current });
  }
}

export class SecurityEventPage {
  @ApiProperty({ type: [SecurityEventView], description: 'Newest first.' }) items: SecurityEventView[];
  @ApiProperty({ type: String, nullable: true, description: 'The cursor of the next page; null on the last one.' })
  next: string | null;

  static from({ events, next }: EventPage, currentSessionId: string): SecurityEventPage {
    const items = events.map((event) => SecurityEventView.from(event, currentSessionId));
    return Object.assign(new SecurityEventPage(), { items, next });
  }
}
