import type { Type } from '@nestjs/common';
import { synchronousValidationPipe } from '../../http/validation.js';

const pipe = synchronousValidationPipe();

/** Guards run before pipes: one that hands a body to Passport validates it first. Throws `validation_failed`. */
export function validBody<T>(body: unknown, type: Type<T>): Promise<T> {
  return pipe.transform(body, { type: 'body', metatype: type }) as Promise<T>;
}
