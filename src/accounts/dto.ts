import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { IfGiven, IsPassword, KNOWN_PASSWORD, NEW_PASSWORD, NewAccountDto } from '../auth/dto.js';
import { isMissing, Rule } from '../http/rule.js';
import type { OneTimeProof } from '../one-time-tokens/one-time-secrets.js';
import { Problem } from '../problem/problem.js';
import { IsEmailAddress } from '../users/dto.js';

const CHALLENGE = {
  minLength: 43,
  maxLength: 43,
  pattern: '^[A-Za-z0-9_-]{43}$',
  description:
    'SHA-256 of a code verifier in base64url (RFC 7636, S256). With it the mail also has a six-digit code, which only the browser that keeps the verifier can use.',
  example: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
} as const;

function IsCodeChallenge(): PropertyDecorator {
  return allOf(
    ApiPropertyOptional(CHALLENGE),
    IfGiven(),
    Matches(/^[\w-]{43}$/, { message: 'Code challenge must be 43 characters of base64url.' }),
  );
}

export class MailRequestDto {
  @IsCodeChallenge()
  codeChallenge?: string;
}

export class RegisterDto extends NewAccountDto {
  @IsCodeChallenge()
  codeChallenge?: string;
}

/** The token of a link, or a code with its verifier. */
export class OneTimeProofDto {
  @ApiPropertyOptional({ minLength: 43, maxLength: 43, description: 'The token of the link.' })
  @IfGiven()
  @Matches(/^[\w-]{43}$/, { message: 'Token must be 43 characters of base64url.' })
  token?: string;

  @ApiPropertyOptional({ minLength: 6, maxLength: 6, pattern: '^[0-9]{6}$', description: 'The code of the mail.' })
  @IfGiven()
  @Matches(/^\d{6}$/, { message: 'Code must be six digits.' })
  code?: string;

  @ApiPropertyOptional({
    minLength: 43,
    maxLength: 128,
    pattern: '^[A-Za-z0-9._~-]{43,128}$',
    description:
      'The verifier of the challenge (RFC 7636 section 4.1). A code needs it; with a token it shows that the browser is the one that asked.',
  })
  @IfGiven()
  @Matches(/^[\w.~-]{43,128}$/, { message: 'Code verifier must be 43 to 128 characters A-Z a-z 0-9 - . _ ~.' })
  codeVerifier?: string;
}

/** Throws `validation_failed` unless a body has a token, or a code with its verifier, and not both. */
export function readProof({ token, code, codeVerifier }: OneTimeProofDto): OneTimeProof {
  if (token !== undefined && code === undefined) return { token, ...(codeVerifier !== undefined && { codeVerifier }) };
  if (token === undefined && code !== undefined && codeVerifier !== undefined) return { code, codeVerifier };
  const message = 'Send the token of the link, or the code with its code verifier.';
  throw new Problem('validation_failed', { errors: [{ field: code === undefined ? 'token' : 'code', message }] });
}

export class ForgotPasswordDto extends MailRequestDto {
  @ApiProperty({ format: 'idn-email', minLength: 1, maxLength: 320, example: 'grace@example.com' })
  @IsEmailAddress()
  email: string;
}

export class ResetPasswordDto extends OneTimeProofDto {
  @ApiProperty(NEW_PASSWORD)
  @IsPassword('New password')
  newPassword: string;
}

export class ChangeEmailDto extends MailRequestDto {
  @ApiProperty({ format: 'idn-email', minLength: 1, maxLength: 320, example: 'grace@example.org' })
  @IsEmailAddress()
  newEmail: string;

  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword()
  password: string;
}

/** A link alone: it is for the former mailbox, which need not belong to a browser that asked. */
export class UndoEmailChangeDto {
  @ApiProperty({ minLength: 43, maxLength: 43, description: 'The token of the link.' })
  @Rule('isToken', (value) => {
    if (isMissing(value)) return 'Token is required.';
    return typeof value === 'string' && /^[\w-]{43}$/.test(value) ? null : 'Token must be 43 characters of base64url.';
  })
  token: string;
}

export class PasswordDto {
  @ApiProperty(KNOWN_PASSWORD)
  @IsPassword()
  password: string;
}

function allOf(...decorators: PropertyDecorator[]): PropertyDecorator {
  return (target, key) => decorators.forEach((decorator) => decorator(target, key));
}
