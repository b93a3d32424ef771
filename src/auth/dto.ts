import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, ValidateIf } from 'class-validator';
import { isMissing, IsRequiredText, IsText, Rule } from '../http/rule.js';
import type { Identity } from '../identity/identity.js';
import { DELIVERIES, type SessionDelivery } from '../sessions/session.entity.js';
import { PASSWORD_MAX_CODE_POINTS } from '../passwords/password-policy.js';
import { EMAIL, IsEmailAddress, IsLocale, IsPersonName } from '../users/dto.js';

/** In UTF-16 units: a longer text has more code points than the password policy allows. */
const PASSWORD_MAX_LENGTH = 2 * PASSWORD_MAX_CODE_POINTS;

export const KNOWN_PASSWORD = { format: 'password', minLength: 1, maxLength: PASSWORD_MAX_LENGTH } as const;
/** `minLength` is the lowest PASSWORD_MIN_LENGTH that can be configured. */
export const NEW_PASSWORD = {
  ...KNOWN_PASSWORD,
  minLength: 8,
  description: 'At least 15 characters, unless PASSWORD_MIN_LENGTH is set.',
} as const;

export function IsPassword(subject: string = 'Password'): PropertyDecorator {
  return Rule('isPassword', (value) => {
    if (isMissing(value)) return `${subject} is required.`;
    if (typeof value !== 'string') return `${subject} must be text.`;
    return value.length > PASSWORD_MAX_LENGTH
      ? `${subject} is too long: at most ${PASSWORD_MAX_CODE_POINTS} characters.`
      : null;
  });
}

/** Unlike `IsOptional`, it does not let `null` pass. */
export function IfGiven(): PropertyDecorator {
  return ValidateIf((_: object, value: unknown) => value !== undefined);
}

function IsDelivery(): PropertyDecorator {
  const rules = [
    ApiPropertyOptional({
      enum: DELIVERIES,
      default: 'body',
      description: 'cookie: the refresh token travels in an HttpOnly cookie.',
    }),
    IfGiven(),
    IsIn(DELIVERIES, { message: `Delivery must be ${DELIVERIES.join(' or ')}.` }),
  ];
  return (target, key) => rules.forEach((rule) => rule(target, key));
}

export class NewAccountDto {
  @ApiProperty({ format: 'idn-email', minLength: 1, maxLength: 320, example: 'grace@example.com' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ ...NEW_PASSWORD, example: 'correct horse battery' })
  @IsPassword()
  password: string;

  @ApiPropertyOptional({ type: String, nullable: true, minLength: 1, maxLength: 100, example: 'Grace Hopper' })
  @IsOptional()
  @IsPersonName()
  name?: string | null;

  @IsLocale()
  locale?: string | null;

  @IsDelivery()
  delivery?: SessionDelivery;
}

export class LoginDto {
  @ApiProperty({ format: 'idn-email', minLength: 1, maxLength: 320, example: 'grace@example.com' })
  @IsRequiredText(EMAIL, 320)
  email: string;

  @ApiProperty({ ...KNOWN_PASSWORD, example: 'correct horse battery' })
  @IsPassword()
  password: string;

  @IsDelivery()
  delivery?: SessionDelivery;

  @ApiPropertyOptional({
    maxLength: 4096,
    description: 'From an earlier sign-in with body delivery on this device: guesses of others do not delay it.',
  })
  @IfGiven()
  @IsText('Device token', 4096)
  device_token?: string;
}

/** The form of an OAuth 2.0 password grant, as Swagger UI's Authorize button sends it. */
export class LoginFormDto {
  @ApiProperty({ minLength: 1, maxLength: 320, description: 'The e-mail address.' })
  @IsRequiredText(EMAIL, 320)
  username: string;

  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword()
  password: string;

  @ApiPropertyOptional({ enum: ['password'] })
  @IsOptional()
  @IsIn(['password'], { message: 'Grant type must be password.' })
  grant_type?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString({ message: 'Scope must be text.' })
  scope?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString({ message: 'Client id must be text.' })
  client_id?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString({ message: 'Client secret must be text.' })
  client_secret?: string;
}

export class RefreshDto {
  @ApiPropertyOptional({
    maxLength: 4096,
    description: 'The newest refresh token of this client. With cookie delivery the browser sends it in the cookie.',
  })
  @IfGiven()
  @IsText('Refresh token', 4096)
  refresh_token?: string;

  @ApiPropertyOptional({
    format: 'uuid',
    description: 'With cookie delivery: selects one of several sessions.',
  })
  @IfGiven()
  @IsUUID('all', { message: 'Session id must be a UUID.' })
  session_id?: string;
}

/** A form cannot use a cookie, so it has no `session_id`. */
export class RefreshFormDto {
  @ApiProperty({ maxLength: 4096, description: 'The newest refresh token of this client.' })
  @IfGiven()
  @IsText('Refresh token', 4096)
  refresh_token?: string;
}

export class LogoutDto {
  @ApiPropertyOptional({ maxLength: 4096, description: 'Of any generation. Needed when the access token has expired.' })
  @IfGiven()
  @IsText('Refresh token', 4096)
  refresh_token?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'With cookie delivery: selects one of several sessions.' })
  @IfGiven()
  @IsUUID('all', { message: 'Session id must be a UUID.' })
  session_id?: string;
}

export class ChangePasswordDto {
  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword('Current password')
  currentPassword: string;

  @ApiProperty(NEW_PASSWORD)
  @IsPassword('New password')
  newPassword: string;
}

export class TokenResponse {
  @ApiProperty({ description: 'A JWT (RFC 9068). Send it as "Authorization: Bearer …".' }) access_token: string;
  @ApiProperty({ enum: ['Bearer'] }) token_type: 'Bearer';
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Seconds until the access token expires.' })
  expires_in: number;
  @ApiPropertyOptional({
    description: 'Store it before you use the access token that came with it. Absent with cookie delivery.',
  })
  refresh_token?: string;
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Seconds until the session expires unless it is refreshed.',
  })
  refresh_expires_in: number;
  @ApiProperty({ format: 'uuid' }) session_id: string;
  @ApiPropertyOptional({
    description:
      'With body delivery, where a password was given. Keep it after a logout, and send it with the next login.',
  })
  device_token?: string;
}

export class WhoAmI {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty({ format: 'uuid' }) sessionId: string;
  @ApiProperty({ type: [String] }) roles: string[];
  @ApiProperty({ format: 'date-time', description: 'When the user last authenticated.' }) authTime: string;
  @ApiProperty({ format: 'date-time', description: 'When this access token expires.' }) expiresAt: string;

  static from(caller: Identity): WhoAmI {
    return Object.assign(new WhoAmI(), {
      userId: caller.userId,
      sessionId: caller.sessionId,
      roles: [...caller.roles],
      authTime: new Date(caller.authTime).toISOString(),
      expiresAt: new Date(caller.expiresAt).toISOString(),
    });
  }
}
