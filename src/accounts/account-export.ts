import { ApiProperty } from '@nestjs/swagger';
import { SecurityEventView } from '../audit/dto.js';
import type { OneTimeToken } from '../one-time-tokens/one-time-token.entity.js';
import type { Session } from '../sessions/session.entity.js';
import { Profile } from '../users/dto.js';

/** A session as it is stored. No token is: they are computed from the row. */
export class ExportedSession {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time', description: 'When its refresh token last rotated.' }) rotatedAt: string;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When you authenticated again in it.',
  })
  reauthenticatedAt: string | null;
  @ApiProperty({ format: 'date-time' }) expiresAt: string;
  @ApiProperty({ format: 'date-time', description: 'When it expires unless it is refreshed.' }) idleExpiresAt: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) revokedAt: string | null;
  @ApiProperty({ type: String, nullable: true }) revokedReason: string | null;
  @ApiProperty({ description: 'The address at the sign-in.' }) ip: string;
  @ApiProperty({ description: 'What the browser called itself.' }) userAgent: string;
  @ApiProperty({ enum: ['body', 'cookie'] }) delivery: string;

  static from(session: Session): ExportedSession {
    return Object.assign(new ExportedSession(), {
      id: session.id,
      createdAt: iso(session.createdAt),
      rotatedAt: iso(session.rotatedAt),
      reauthenticatedAt: isoOrNull(session.reauthenticatedAt),
      expiresAt: iso(session.expiresAt),
      idleExpiresAt: iso(session.idleExpiresAt),
      revokedAt: isoOrNull(session.revokedAt),
      revokedReason: session.revokedReason,
      ip: session.ip,
      userAgent: session.userAgent,
      delivery: session.delivery,
    });
  }
}

/** A link that was mailed and can still be used. */
export class ExportedLink {
  @ApiProperty({ enum: ['register', 'verify_email', 'reset_password', 'change_email', 'undo_email_change'] })
  kind: string;
  @ApiProperty({ format: 'idn-email', description: 'The address that it verifies or restores.' }) email: string;
  @ApiProperty({ format: 'date-time' }) createdAt: string;
  @ApiProperty({ format: 'date-time' }) expiresAt: string;

  static from({ kind, email, createdAt, expiresAt }: StoredLink): ExportedLink {
    return Object.assign(new ExportedLink(), { kind, email, createdAt: iso(createdAt), expiresAt: iso(expiresAt) });
  }
}

type StoredLink = Pick<OneTimeToken, 'kind' | 'email' | 'createdAt' | 'expiresAt'>;

/** Everything that is stored about a user, except the hash of their password. */
export class AccountExport {
  @ApiProperty({ format: 'date-time' }) exportedAt: string;
  @ApiProperty({ type: Profile }) profile: Profile;
  @ApiProperty({ type: [ExportedSession], description: 'Sessions are deleted a day or two after they end.' })
  sessions: ExportedSession[];
  @ApiProperty({ type: [ExportedLink] }) links: ExportedLink[];
  @ApiProperty({ type: [SecurityEventView], description: 'Kept for AUDIT_RETENTION.' })
  securityEvents: SecurityEventView[];
}

const iso = (time: number) => new Date(time).toISOString();
const isoOrNull = (time: number | null) => (time === null ? null : iso(time));
