import type { Connection } from './connection.js';
import { onSubmit } from './form.js';
import { byId, goTo, notice } from './page.js';
import { waitForMail } from './proof.js';

/** The form for a forgotten password. `onClose` shows what was there before. */
export function showForgot(connection: Connection, onClose: () => void): void {
  byId('forgot-password').addEventListener('click', openForgot);
  byId('forgot-close').addEventListener('click', () => {
    byId('forgot').hidden = true;
    onClose();
  });
  onSubmit(byId('forgot-form'), async ({ email = '' }) => {
    await connection.account.forgotPassword(email);
    waitForMail('reset-password');
  });
}

export function openForgot(): void {
  notice('');
  byId('proof').hidden = true;
  byId('signed-out').hidden = true;
  byId('forgot').hidden = false;
  byId<HTMLInputElement>('forgot-email').value = byId<HTMLInputElement>('email').value;
  goTo('forgot-title');
}
