import type { Type } from '@nestjs/common';
import { synchronousValidationPipe } from '../../http/validation.js';
import { isObviouslyValid } from './obvious-validity.js';

const pipe = synchronousValidationPipe();

/** Validates a body inside a guard: guards run before pipes. Throws `validation_failed`. */
export async function validateBody<T extends object>(body: unknown, type: Type<T>): Promise<T> {
  if (isObviouslyValid(body, type)) return Object.assign(new type(), body);
  return (await pipe.transform(body, { type: 'body', metatype: type })) as T;
}
