import { LatchkeyError, type Client } from '@latchkey/client';
import type { Connection } from './connection.js';
import { byId, goTo, notice } from './page.js';

const FIELDS = ['email', 'password'] as const;
type FieldMessages = Partial<Record<(typeof FIELDS)[number], string>>;

const input = (id: string) => byId<HTMLInputElement>(id);

/** One form for sign-in and registration. The mode decides what a password manager offers: the saved or a new password. */
export function showSignIn(connection: Connection): void {
  const form = byId<HTMLFormElement>('sign-in');
  let isNew = false;
  const setMode = (registers: boolean) => {
    isNew = registers;
    showMode(isNew);
  };
  input('show-password').addEventListener('change', ({ target }) => {
    input('password').type = (target as HTMLInputElement).checked ? 'text' : 'password';
  });
  byId('switch-mode').addEventListener('click', () => {
    if (form.ariaBusy === 'true') return;
    setMode(!isNew);
    showErrors({});
    goTo('sign-in-title');
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (form.ariaBusy === 'true') return;
    void submit(connection.client, form, isNew).then((isDone) => isDone && setMode(false));
  });
}

function showMode(isNew: boolean): void {
  byId('sign-in-title').textContent = isNew ? 'Create an account' : 'Sign in';
  byId('submit').textContent = isNew ? 'Create account' : 'Sign in';
  byId('switch-mode').textContent = isNew ? 'Sign in instead' : 'Create an account instead';
  byId('password-rule').hidden = !isNew;
  input('password').setAttribute('aria-describedby', isNew ? 'password-rule password-error' : 'password-error');
  input('password').autocomplete = isNew ? 'new-password' : 'current-password';
}

/** Returns whether the user is signed in. */
async function submit(client: Client, form: HTMLFormElement, isNew: boolean): Promise<boolean> {
  const [email, password] = [input('email').value, input('password').value];
  const missing = missingFields(email, password);
  showErrors(missing);
  if (Object.keys(missing).length > 0) return false;
  setBusy(form, true);
  try {
    await (isNew ? client.register({ email, password }) : client.login({ email, password }));
    for (const name of FIELDS) input(name).value = '';
    return true;
  } catch (error) {
    showErrors(fieldMessagesOf(error));
    notice(messageFor(error));
    return false;
  } finally {
    setBusy(form, false);
  }
}

function missingFields(email: string, password: string): FieldMessages {
  return {
    ...(email === '' && { email: 'E-mail address is required.' }),
    ...(password === '' && { password: 'Password is required.' }),
  };
}

/** The buttons are not `disabled`, because the pressed one would lose the focus. */
function setBusy(form: HTMLFormElement, busy: boolean): void {
  form.ariaBusy = String(busy);
  for (const button of form.querySelectorAll('button')) button.ariaDisabled = String(busy);
  byId<HTMLFieldSetElement>('delivery').disabled = busy;
}

/** Shows a message below each field, and moves the focus to the first invalid field. */
function showErrors(messages: FieldMessages): void {
  notice('');
  for (const name of FIELDS.toReversed()) {
    const field = byId(name);
    field.ariaInvalid = name in messages ? 'true' : null;
    byId(`${name}-error`).textContent = messages[name] ?? '';
    if (name in messages) field.focus();
  }
}

function fieldMessagesOf(error: unknown): FieldMessages {
  if (!(error instanceof LatchkeyError)) return {};
  return Object.fromEntries(error.errors.map(({ field, message }) => [field, message]));
}

function messageFor(error: unknown): string {
  if (!(error instanceof LatchkeyError)) return 'The server was not reached. Try again.';
  if (error.errors.length > 0) return '';
  if (error.code === 'invalid_credentials') return 'E-mail address or password is wrong.';
  if (error.code === 'email_taken') return 'An account with this e-mail address exists already.';
  if (error.retryAfter) return `The server is busy. Try again in ${error.retryAfter} s.`;
  return `That did not work: ${error.code}.`;
}
