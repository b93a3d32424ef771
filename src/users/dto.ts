import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { isMissing, Rule } from '../http/rule.js';
import { parseEmail } from './email.js';
import type { User } from './user.entity.js';

/** Begins the messages about an e-mail address. */
export const EMAIL = 'E-mail address';

/** An address that `parseEmail` accepts. */
export function IsEmailAddress(): PropertyDecorator {
  return Rule('isEmailAddress', (value) => {
    if (isMissing(value)) return `${EMAIL} is required.`;
    return parseEmail(value) ? null : 'Enter a valid e-mail address.';
  });
}

/** 1 to 100 code points, without line breaks and direction controls: a name is shown in mails and logs. */
export function IsPersonName(): PropertyDecorator {
  return Matches(/^(?=.*\S)[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]{1,100}$/u, {
    message: 'Enter a name of 1 to 100 characters, without control characters.',
  });
}

/** A language tag of BCP 47 in its canonical form, or null. */
export function IsLocale(): PropertyDecorator {
  const rules = [
    ApiPropertyOptional({
      type: String,
      nullable: true,
      minLength: 2,
      maxLength: 35,
      example: 'en',
      description: 'The language of mails: a BCP 47 tag.',
    }),
    IsOptional(),
    Rule('isLocale', (value) => (canonicalLocale(value) ? null : 'Locale must be a language tag like en or de-AT.')),
  ];
  return (target, key) => rules.forEach((rule) => rule(target, key));
}

/** The canonical form of a language tag; null for anything else. */
export function canonicalLocale(tag: unknown): string | null {
  if (typeof tag !== 'string' || tag.length > 35) return null;
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

export class UpdateProfileDto {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 100,
    example: 'Ada Lovelace',
    description: 'null removes the name.',
  })
  @IsOptional()
  @IsPersonName()
  name?: string | null;

  @IsLocale()
  locale?: string | null;
}

export class Profile {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'idn-email' }) email: string;
  @ApiProperty({ type: String, nullable: true }) name: string | null;
  @ApiProperty({ type: [String] }) roles: string[];
  @ApiProperty({ description: 'Whether the user proved that they read the mail of this address.' })
  emailVerified: boolean;
  @ApiProperty({ type: String, nullable: true, description: 'The language of mails.' }) locale: string | null;
  @ApiProperty({ format: 'date-time' }) createdAt: string;

  static from(user: User): Profile {
    const { id, email, name, roles, locale } = user;
    const emailVerified = user.emailVerifiedAt !== null;
    const createdAt = new Date(user.createdAt).toISOString();
    return Object.assign(new Profile(), { id, email, name, roles, emailVerified, locale, createdAt });
  }
}
