import { clear, onSubmit } from './form.js';
import { byId } from './page.js';

/** A dialog that asks for the password. `send` gets it; the dialog stays open while it rejects. */
export class PasswordDialog {
  private readonly dialog: HTMLDialogElement;
  private readonly form: HTMLFormElement;

  constructor(id: string, send: (password: string) => Promise<void>) {
    this.dialog = byId<HTMLDialogElement>(id);
    this.form = byId<HTMLFormElement>(`${id}-form`);
    onSubmit(this.form, async ({ password = '' }) => {
      await send(password);
      this.dialog.close('sent');
    });
    this.form.querySelector('.cancel')!.addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('close', () => {
      clear(this.form);
      this.form.querySelector('[role=alert]')!.textContent = '';
    });
  }

  /** Resolves when it is closed: whether `send` succeeded. */
  ask(): Promise<boolean> {
    this.dialog.returnValue = '';
    this.dialog.showModal();
    return new Promise((resolve) => {
      this.dialog.addEventListener('close', () => resolve(this.dialog.returnValue === 'sent'), { once: true });
    });
  }
}

/** The user of these dialogs is not signed in any more. */
export function closeDialogs(): void {
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
}
