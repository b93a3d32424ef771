import { ValidateBy } from 'class-validator';

/** A validation rule. `whyNot` explains in a sentence what is wrong with a value; null when it is valid. */
export function Rule(name: string, whyNot: (value: unknown) => string | null): PropertyDecorator {
  const validate = (value: unknown) => whyNot(value) === null;
  return ValidateBy({ name, validator: { validate, defaultMessage: (args) => whyNot(args?.value) ?? '' } });
}

/** Text of at most `maxLength` UTF-16 units. `subject` begins the message: "Refresh token". */
export function IsText(subject: string, maxLength: number): PropertyDecorator {
  return Rule('isText', (value) => whyNotText(value, subject, maxLength));
}

/** The same, and not empty. */
export function IsRequiredText(subject: string, maxLength: number): PropertyDecorator {
  return Rule('isRequiredText', (value) =>
    isMissing(value) ? `${subject} is required.` : whyNotText(value, subject, maxLength),
  );
}

export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function whyNotText(value: unknown, subject: string, maxLength: number): string | null {
  if (typeof value !== 'string') return `${subject} must be text.`;
  return value.length > maxLength ? `${subject} is too long: at most ${maxLength} characters.` : null;
}
