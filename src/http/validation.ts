import { type ArgumentMetadata, ValidationPipe, type ValidationPipeOptions } from '@nestjs/common';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import type { FieldError } from '../problem/problem.js';
import { Problem } from '../problem/problem.js';

const UNKNOWN_FIELD = 'Unknown field.';
const UNKNOWN_RULE = 'whitelistValidation';
/** So that a response stays far smaller than the request that causes it. */
const MAX_ERRORS = 20;
/** A name that the client chose. */
const MAX_UNKNOWN_NAME = 20;

/** Validates bodies and queries by their class. An unknown field is refused. */
export function validationPipe(): ValidationPipe {
  return new StrictPipe(strictOptions());
}

/** The same for classes whose rules are all synchronous: an asynchronous rule would be skipped. */
export function synchronousValidationPipe(): ValidationPipe {
  return new SynchronousPipe(strictOptions());
}

function strictOptions(): ValidationPipeOptions {
  return {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) =>
      new Problem('validation_failed', { errors: errors.flatMap((e) => fieldErrors(e)).slice(0, MAX_ERRORS) }),
  };
}

class StrictPipe extends ValidationPipe {
  /** class-validator takes `constructor`, `toString` and other members of every object for known fields. */
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const isInput =
      (metadata.type === 'body' || metadata.type === 'query') && typeof value === 'object' && value !== null;
    const field = isInput ? Object.keys(value).find((name) => name in Object.prototype) : undefined;
    if (field) throw new Problem('validation_failed', { errors: [{ field, message: UNKNOWN_FIELD }] });
    return super.transform(value, metadata);
  }
}

class SynchronousPipe extends StrictPipe {
  protected override validate(object: object, options?: ValidatorOptions): ValidationError[] {
    return validateSync(object, options);
  }
}

function fieldErrors(error: ValidationError, prefix: string = ''): FieldError[] {
  const field = `${prefix}${error.property}`.slice(0, 100);
  const own = Object.keys(error.constraints ?? {}).map((rule) => ({
    field: rule === UNKNOWN_RULE ? field.slice(0, MAX_UNKNOWN_NAME) : field,
    message: message(error, rule),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, `${field}.`))];
}

function message(error: ValidationError, rule: string): string {
  if (rule === UNKNOWN_RULE) return UNKNOWN_FIELD;
  return (error.constraints?.[rule] ?? '').slice(0, 200);
}
