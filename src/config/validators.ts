import { ValidateBy, type ValidationOptions } from 'class-validator';

/** A string of at least `min` bytes in UTF-8. */
export function MinBytes(min: number, options: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown) => typeof value === 'string' && Buffer.byteLength(value) >= min;
  return ValidateBy({ name: 'minBytes', validator: { validate } }, options);
}

/** An origin as browsers send it: scheme, host and port, nothing else. */
export function IsOrigin(options: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown) =>
    typeof value === 'string' &&
    URL.canParse(value) &&
    /^https?:\/\/[^*]+$/.test(value) &&
    new URL(value).origin === value;
  return ValidateBy({ name: 'isOrigin', validator: { validate } }, options);
}
