import { LatchkeyError } from '@latchkey/client';
import { inWords } from './error-words.js';
import { notice } from './page.js';
import { addRetryStatus, isWaiting, waitToRetry } from './retry-countdown.js';

export type Values = Record<string, string>;
/** A message below each invalid field, by its name. */
type FieldMessages = Record<string, string>;

/**
 * Sends a form: asks for missing fields, shows the errors of the server at their fields, and waits where the server asks
 * for it. The form is emptied when it was sent.
 */
export function onSubmit(form: HTMLFormElement, send: (values: Values) => Promise<void>): void {
  addRetryStatus(form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isBusy(form) || isWaiting(form)) return;
    void submit(form, send);
  });
}

async function submit(form: HTMLFormElement, send: (values: Values) => Promise<void>): Promise<void> {
  const fields = shownFields(form);
  const missing = fields.filter(({ value }) => value === '');
  showErrors(form, Object.fromEntries(missing.map(({ name, dataset }) => [name, `${dataset['name']} is required.`])));
  if (missing.length > 0) return;
  setBusy(form, true);
  const values = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  const failure = await send(values).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  setBusy(form, false);
  if (failure) showFailure(form, failure.error);
  else clear(form);
}

export function isBusy(form: HTMLFormElement): boolean {
  return form.ariaBusy === 'true';
}

/** Empties the fields and removes the messages. */
export function clear(form: HTMLFormElement): void {
  for (const field of fieldsOf(form)) field.value = '';
  markFields(form, {});
}

/** Shows a message below each of these fields, and moves the focus to the first one. */
export function showErrors(form: HTMLFormElement, messages: FieldMessages): void {
  say(form, '');
  markFields(form, messages);
  fieldsOf(form)
    .find(({ name }) => name in messages)
    ?.focus();
}

function showFailure(form: HTMLFormElement, error: unknown): void {
  const { errors, retryAfter } = error instanceof LatchkeyError ? error : { errors: [], retryAfter: undefined };
  const names = new Set(shownFields(form).map(({ name }) => name));
  const [own, others] = [true, false].map((isOwn) => errors.filter(({ field }) => names.has(field) === isOwn));
  showErrors(form, Object.fromEntries(own!.map(({ field, message }) => [field, message])));
  if (retryAfter) waitToRetry(form, inWords(error), retryAfter);
  else say(form, [inWords(error), ...others!.map(({ message }) => message)].filter(Boolean).join(' '));
}

/** In a dialog the message of the page would be hidden, so the form has its own place. */
function say(form: HTMLFormElement, text: string): void {
  const place = form.querySelector('[role=alert]');
  if (place) place.textContent = text;
  else notice(text);
}

function markFields(form: HTMLFormElement, messages: FieldMessages): void {
  for (const field of fieldsOf(form)) {
    field.ariaInvalid = field.name in messages ? 'true' : null;
    document.getElementById(`${field.id}-error`)!.textContent = messages[field.name] ?? '';
  }
}

/** The buttons are not `disabled`, because the pressed one would lose the focus. */
function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  for (const button of form.querySelectorAll('button')) button.ariaDisabled = String(busy);
  for (const group of form.querySelectorAll('fieldset')) group.disabled = busy;
}

function fieldsOf(form: HTMLFormElement): HTMLInputElement[] {
  return [...form.querySelectorAll<HTMLInputElement>('input[data-name]')];
}

function shownFields(form: HTMLFormElement): HTMLInputElement[] {
  return fieldsOf(form).filter((field) => !field.closest('form [hidden]'));
}
