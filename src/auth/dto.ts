import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import type { Identity } from '../common/auth/identity.js';
import { PASSWORD_MAX_CODE_POINTS } from '../passwords/password-policy.js';
import { IsEmailAddress, IsPersonName } from '../users/dto.js';

/** UTF-16 units: twice the code points that the policy allows. Whether a new one is good is the policy's to say. */
const PASSWORD_MAX_LENGTH = 2 * PASSWORD_MAX_CODE_POINTS;

function IsPassword(): PropertyDecorator {
  const rules = [
    IsString({ message: 'must be text' }),
    MinLength(1, { message: 'must not be empty' }),
    MaxLength(PASSWORD_MAX_LENGTH, { message: `must have at most ${PASSWORD_MAX_LENGTH} characters` }),
  ];
  return (target, key) => rules.forEach((rule) => rule(target, key));
}

export class RegisterDto {
  @ApiProperty({ format: 'email', maxLength: 320, example: 'grace@example.com' })
  @IsEmailAddress()
  email: string;

  @ApiProperty({ format: 'password', minLength: 15, maxLength: PASSWORD_MAX_LENGTH, example: 'correct horse battery' })
  @IsPassword()
  password: string;

  @ApiPropertyOptional({ type: String, nullable: true, maxLength: 100, example: 'Grace Hopper' })
  @IsOptional()
  @IsPersonName()
  name?: string | null;
}

export class LoginDto {
  @ApiProperty({ format: 'email', maxLength: 320, example: 'grace@example.com' })
  @IsString({ message: 'must be text' })
  @MinLength(1, { message: 'must not be empty' })
  @MaxLength(320, { message: 'must have at most 320 characters' })
  email: string;

  @ApiProperty({ format: 'password', maxLength: PASSWORD_MAX_LENGTH, example: 'correct horse battery' })
  @IsPassword()
  password: string;
}

/** What Swagger UI's Authorize button, and OAuth 2.0 password forms like it, send. */
export class LoginFormDto {
  @ApiProperty({ description: 'The e-mail address.' })
  @IsString({ message: 'must be text' })
  @MinLength(1, { message: 'must not be empty' })
  @MaxLength(320, { message: 'must have at most 320 characters' })
  username: string;

  @ApiProperty({ format: 'password' })
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
  @ApiProperty({ description: 'The newest one this client was given.' })
  @IsString({ message: 'must be text' })
  @MaxLength(4096, { message: 'must have at most 4096 characters' })
  refresh_token: string;
}

export class LogoutDto {
  @ApiPropertyOptional({ description: 'Of any generation: for when the access token has expired.' })
  @IsOptional()
  @IsString({ message: 'must be text' })
  @MaxLength(4096, { message: 'must have at most 4096 characters' })
  refresh_token?: string;
}

export class ChangePasswordDto {
  @ApiProperty({ format: 'password', maxLength: PASSWORD_MAX_LENGTH })
  @IsPassword()
  currentPassword: string;

  @ApiProperty({ format: 'password', minLength: 15, maxLength: PASSWORD_MAX_LENGTH })
  @IsPassword()
  newPassword: string;
}

export class TokenAnswer {
  @ApiProperty({ description: 'A JWT (RFC 9068). Send it as "Authorization: Bearer …".' }) access_token: string;
  @ApiProperty({ enum: ['Bearer'] }) token_type: 'Bearer';
  @ApiProperty({ type: 'integer', description: 'Seconds until the access token ends.' }) expires_in: number;
  @ApiProperty({ description: 'Store it before using the access token that came with it.' }) refresh_token: string;
  @ApiProperty({ type: 'integer', description: 'Seconds until the session ends unless it is used.' })
  refresh_expires_in: number;
  @ApiProperty({ format: 'uuid' }) session_id: string;
}

export class WhoAmI {
  @ApiProperty({ format: 'uuid' }) userId: string;
  @ApiProperty({ format: 'uuid' }) sessionId: string;
  @ApiProperty({ type: [String] }) roles: string[];
  @ApiProperty({ format: 'date-time', description: 'When the person last proved who they are.' }) authTime: string;
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
