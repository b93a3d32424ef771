import { ValidationPipe, type ValidationError } from '@nestjs/common';
import type { FieldError } from '../problem/problem.js';
import { Problem } from '../problem/problem.js';

/** Bodies and queries are what their class says, and nothing more: an unknown field is refused. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => new Problem('validation_failed', { errors: errors.flatMap((e) => fieldErrors(e)) }),
  });
}

function fieldErrors(error: ValidationError, prefix: string = ''): FieldError[] {
  const field = `${prefix}${error.property}`.slice(0, 100);
  const own = Object.keys(error.constraints ?? {}).map((rule) => ({ field, message: message(error, rule) }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, `${field}.`))];
}

function message(error: ValidationError, rule: string): string {
  if (rule === 'whitelistValidation') return 'is not a field of this request';
  return (error.constraints?.[rule] ?? '').replace(`${error.property} `, '').slice(0, 200);
}
