import type { Connection } from './connection.js';
import { PasswordDialog } from './dialog.js';
import { inWords } from './error-words.js';
import { onSubmit } from './form.js';
import { byId, element, notice } from './page.js';
import { waitForMail } from './proof.js';
import type { Reauthentication } from './reauthentication.js';

/** What users can do with their account: change address and password, download their data, and delete it. */
export function showSettings(connection: Connection, reauthentication: Reauthentication): void {
  onSubmit(byId('change-email'), async ({ newEmail = '', password = '' }) => {
    const change = () => connection.account.changeEmail({ newEmail, password });
    if (await reauthentication.run(change)) waitForMail('confirm-email');
  });
  onSubmit(byId('change-password'), async ({ currentPassword = '', newPassword = '' }) => {
    await connection.client.changePassword({ currentPassword, newPassword });
    notice('The password is changed. All other devices are signed out.');
  });
  byId('request-verification').addEventListener('click', () =>
    tell(async () => {
      await connection.account.requestVerification();
      waitForMail('verify-email');
    }),
  );
  byId('export').addEventListener('click', () =>
    tell(async () => {
      const exported = await reauthentication.run(() => connection.account.exportAccount());
      if (exported) download(JSON.stringify(exported.result, null, 2));
    }),
  );
  const deletion = new PasswordDialog('deletion', async (password) => {
    const isDone = await reauthentication.run(() => connection.account.deleteAccount(password));
    if (isDone) notice('Your account is deleted.');
  });
  byId('delete-account').addEventListener('click', () => void deletion.ask());
}

/** Hides what belongs to the user before. */
export function clearSettings(): void {
  byId('unverified').hidden = true;
  for (const details of document.querySelectorAll('details')) details.open = false;
  for (const field of document.querySelectorAll<HTMLInputElement>('details input')) field.value = '';
}

export function showVerification(isVerified: boolean): void {
  byId('unverified').hidden = isVerified;
}

/** Runs what a button starts, and shows its error. */
function tell(work: () => Promise<void>): void {
  notice('');
  work().catch((error: unknown) => notice(inWords(error)));
}

function download(json: string): void {
  const link = element('a');
  link.href = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
  link.download = 'latchkey-account.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
