import type { Connection } from './connection.js';
import { isBusy, onSubmit, showErrors } from './form.js';
import { byId, goTo } from './page.js';
import { waitForMail } from './proof.js';

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
    if (isBusy(form)) return;
    setMode(!isNew);
    showErrors(form, {});
    goTo('sign-in-title');
  });
  onSubmit(form, async ({ email = '', password = '' }) => {
    const { client, account } = connection;
    const session = await (isNew ? account.register({ email, password }) : client.login({ email, password }));
    setMode(false);
    // The address has to be verified first.
    if (!session) waitForMail('verify-email');
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
