import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, MaxLength, MinLength, ValidateIf } from 'class-validator';
import type { Identity } from '../identity/identity.js';
import { DELIVERIES, type SessionDelivery } from '../sessions/session.entity.js';
import { PASSWORD_MAX_CODE_POINTS } from '../passwords/password-policy.js';
import { IsEmailAddress, IsPersonName } from '../users/dto.js';

/** UTF-16 units: twice the code points that the policy allows. Whether a new one is good is the policy's to say. */
const PASSWORD_MAX_LENGTH = 2 * PASSWORD_MAX_CODE_POINTS;

const KNOWN_PASSWORD = { format: 'password', minLength: 1, maxLength: PASSWORD_MAX_LENGTH } as const;
/** The least that can be configured: PASSWORD_MIN_LENGTH. */
const NEW_PASSWORD = {
  ...KNOWN_PASSWORD,
  minLength: 8,
  description: 'At least 15 characters, unless the server is configured otherwise.',
} as const;

function IsPassword(): PropertyDecorator {
  const rules = [
    IsString({ message: 'must be text' }),
    MinLength(1, { message: 'must not be empty' }),
    MaxLength(PASSWORD_MAX_LENGTH, { message: `must have at most ${PASSWORD_MAX_LENGTH} characters` }),
  ];
  return (target, key) => rules.forEach((rule) => rule(target, key));
}

/** Unlike `IsOptional`, it does not let `null` pass. */
function IfGiven(): PropertyDecorator {
  return ValidateIf((_: object, value: unknown) => value !== undefined);
}

function IsDelivery(): PropertyDecorator {
  const rules = [
    ApiPropertyOptional({
      enum: DELIVERIES,
      default: 'body',
      description: 'cookie: the refresh token comes, and goes, in a cookie that scripts cannot read.',
    }),
    IfGiven(),
    IsIn(DELIVERIES, { message: `must be ${DELIVERIES.join(' or ')}` }),
  ];
  return (target, key) => rules.forEach((rule) => rule(target, key));
}

export class RegisterDto {
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

  @IsDelivery()
  delivery?: SessionDelivery;
}

export class LoginDto {
  @ApiProperty({ format: 'idn-email', minLength: 1, maxLength: 320, example: 'grace@example.com' })
  @IsString({ message: 'must be text' })
  @MinLength(1, { message: 'must not be empty' })
  @MaxLength(320, { message: 'must have at most 320 characters' })
  email: string;

  @ApiProperty({ ...KNOWN_PASSWORD, example: 'correct horse battery' })
  @IsPassword()
  password: string;

  @IsDelivery()
  delivery?: SessionDelivery;
}

/** What Swagger UI's Authorize button, and OAuth 2.0 password forms like it, send. */
export class LoginFormDto {
  @ApiProperty({ minLength: 1, maxLength: 320, description: 'The e-mail address.' })
  @IsString({ message: 'must be text' })
  @MinLength(1, { message: 'must not be empty' })
  @MaxLength(320, { message: 'must have at most 320 characters' })
  username: string;

  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword()
  password: string;

  @ApiPropertyOptional({ enum: ['password'] })
  @IsOptional()
  @IsIn(['password'], { message: 'can only be "password"' })
  grant_type?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString()
  scope?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString()
  client_id?: string;

  @ApiPropertyOptional({ description: 'Ignored.' })
  @IsOptional()
  @IsString()
  client_secret?: string;
}

export class RefreshDto {
  @ApiPropertyOptional({
    maxLength: 4096,
    description: 'The newest one this client was given. In cookie delivery the browser sends it by itself.',
  })
  @IfGiven()
  @IsString({ message: 'must be text' })
  @MaxLength(4096, { message: 'must have at most 4096 characters' })
  refresh_token?: string;

  @ApiPropertyOptional({
    format: 'uuid',
    description: 'In cookie delivery: of several sessions the one that is meant.',
  })
  @IfGiven()
  @IsUUID('all', { message: 'must be a UUID' })
  session_id?: string;
}

export class LogoutDto {
  @ApiPropertyOptional({ maxLength: 4096, description: 'Of any generation: for when the access token has expired.' })
  @IfGiven()
  @IsString({ message: 'must be text' })
  @MaxLength(4096, { message: 'must have at most 4096 characters' })
  refresh_token?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'In cookie delivery: the session whose cookie is meant.' })
  @IfGiven()
  @IsUUID('all', { message: 'must be a UUID' })
  session_id?: string;
}

export class ChangePasswordDto {
  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword()
  currentPassword: string;

  @ApiProperty(NEW_PASSWORD)
  @IsPassword()
  newPassword: string;
}

export class TokenResponse {
  @ApiProperty({ description: 'A JWT (RFC 9068). Send it as "Authorization: Bearer …".' }) access_token: string;
  @ApiProperty({ enum: ['Bearer'] }) token_type: 'Bearer';
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Seconds until the access token ends.' }) expires_in: number;
  @ApiPropertyOptional({
    description: 'Store it before using the access token that came with it. Not there in cookie delivery.',
  })
  refresh_token?: string;
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Seconds until the session ends unless it is used.' })
  refresh_expires_in: number;
  @ApiProperty({ format: 'uuid' }) session_id: string;
}

export class WhoAmI {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty({ format: 'uuid' }) sessionId: string;
  @ApiProperty({ type: [String] }) roles: string[];
  @ApiProperty({ format: 'date-time', description: 'When the user last authenticated.' }) authTime: string;
  @ApiProperty({ format: 'date-time', description: 'When this access token ends.' }) expiresAt: string;

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
