import type { Type } from '@nestjs/common';
import { synchronousValidationPipe } from '../../http/validation.js';

const pipe = synchronousValidationPipe();

/** Validates a body inside a guard: guards run before pipes. Throws `validation_failed`. */
export function validateBody<T>(body: unknown, type: Type<T>): Promise<T> {
  return pipe.transform(body, { type: 'body', metatype: type }) as Promise<T>;
}
