import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches, ValidateBy, type ValidationOptions } from 'class-validator';
import { parseEmail } from './email.js';
import type { User } from './user.entity.js';

/** An address that `parseEmail` reads. */
export function IsEmailAddress(options: ValidationOptions = {}): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isEmailAddress',
      validator: {
        validate: (value) => parseEmail(value) !== null,
        defaultMessage: () => 'must be an e-mail address',
      },
    },
    options,
  );
}

/** At most 100 code points, and none that controls lines or the direction of text: a name ends up in mails and logs. */
export function IsPersonName(): PropertyDecorator {
  return Matches(/^(?=.*\S)[^\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]{1,100}$/u, {
    message: 'must be text of 1 to 100 characters, without control characters, and not blank',
  });
}

export class UpdateProfileDto {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 100,
    example: 'Ada Lovelace',
    description: 'null removes it',
  })
  @IsOptional()
  @IsPersonName()
  name?: string | null;
}

export class Profile {
  @ApiProperty({ format: 'uuid' }) id: string;
  @ApiProperty({ format: 'idn-email' }) email: string;
  @ApiProperty({ type: String, nullable: true }) name: string | null;
  @ApiProperty({ type: [String] }) roles: string[];
  @ApiProperty({ format: 'date-time' }) createdAt: string;

  static from(user: User): Profile {
    const { id, email, name, roles } = user;
    return Object.assign(new Profile(), { id, email, name, roles, createdAt: new Date(user.createdAt).toISOString() });
  }
}
