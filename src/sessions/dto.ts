import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import type { Session } from './session.entity.js';

const HOUR = 3_600_000;

export class RevokeSessionsQuery {
  @ApiPropertyOptional({ enum: ['current'], description: 'Keeps the session of this request.' })
  @IsOptional()
  @IsIn(['current'], { message: 'Query parameter except must be "current".' })
  except?: 'current';
}

export class SessionView {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({
    format: 'date-time',
    description: 'Rounded to the hour: a finer value would help a thief to stay in step. Never before createdAt.',
  })
  lastUsedAt: string;
  @ApiProperty({ format: 'date-time' }) expiresAt: string;
  @ApiProperty({ description: 'The address that the session was started from.' }) ip: string;
  @ApiProperty() userAgent: string;
  @ApiProperty({ description: 'Whether it is the session of this request.' }) current: boolean;

  static from(session: Session, currentId: string): SessionView {
    const usedAt = Math.max(session.rotatedAt, session.acknowledgedAt ?? 0);
    return Object.assign(new SessionView(), {
      id: session.id,
      createdAt: iso(session.createdAt),
      // Rounded down, but never to before the session began.
      lastUsedAt: iso(Math.max(Math.floor(usedAt / HOUR) * HOUR, session.createdAt)),
      expiresAt: iso(session.expiresAt),
      ip: session.ip,
      userAgent: session.userAgent,
      current: session.id === currentId,
    });
  }
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
