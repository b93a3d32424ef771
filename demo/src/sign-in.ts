import { LatchkeyError, type Client } from '@latchkey/client';
import { byId, notice } from './page.js';

const FIELDS = ['email', 'password'] as const;

export function showSignIn(auth: Client): void {
  const form = byId<HTMLFormElement>('sign-in');
  const password = byId<HTMLInputElement>('password');
  byId<HTMLInputElement>('show-password').addEventListener('change', ({ target }) => {
    password.type = (target as HTMLInputElement).checked ? 'text' : 'password';
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    const isNew = (event.submitter as HTMLButtonElement | null)?.value === 'register';
    void submit(auth, form, isNew);
  });
}

async function submit(auth: Client, form: HTMLFormElement, isNew: boolean): Promise<void> {
  const [email, password] = FIELDS.map((name) => byId<HTMLInputElement>(name).value) as [string, string];
  complain({});
  setBusy(form, true);
  try {
    await (isNew ? auth.register({ email, password }) : auth.login({ email, password }));
    for (const name of FIELDS) byId<HTMLInputElement>(name).value = '';
  } catch (error) {
    complain(complaintsOf(error));
    notice(wordsFor(error));
  } finally {
    setBusy(form, false);
  }
}

/** Not `disabled`, which would take the focus away from the button that was pressed. */
function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  for (const button of form.querySelectorAll('button')) button.ariaDisabled = String(busy);
}

/** What is wrong with each field, in the server's words; the first of them gets the focus. */
function complain(complaints: Record<string, string>): void {
  notice('');
  for (const name of FIELDS.toReversed()) {
    const field = byId(name);
    field.ariaInvalid = name in complaints ? 'true' : null;
    byId(`${name}-error`).textContent = complaints[name] ?? '';
    if (name in complaints) field.focus();
  }
}

function complaintsOf(error: unknown): Record<string, string> {
  if (!(error instanceof LatchkeyError)) return {};
  return Object.fromEntries(error.errors.map(({ field, message }) => [field, message]));
}

function wordsFor(error: unknown): string {
  if (!(error instanceof LatchkeyError)) return 'The server could not be reached. Try again.';
  if (error.errors.length > 0) return '';
  if (error.code === 'invalid_credentials') return 'E-mail or password is wrong.';
  if (error.code === 'email_taken') return 'There is an account with this address already.';
  if (error.retryAfter) return `The server asks to wait ${error.retryAfter} s. Try again then.`;
  return `That did not work: ${error.code}.`;
}
