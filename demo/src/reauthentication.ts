import type { Connection } from './connection.js';
import { PasswordDialog } from './dialog.js';
import { codeOf } from './error-words.js';

/** Repeats calls that need a recent authentication, after the user has proved the password again. */
export class Reauthentication {
  private readonly dialog: PasswordDialog;

  constructor(connection: Connection) {
    this.dialog = new PasswordDialog('reauthentication', (password) => connection.account.reauthenticate(password));
  }

  /** The result of the call; null where the user cancels. */
  async run<T>(call: () => Promise<T>): Promise<{ result: T } | null> {
    try {
      return { result: await call() };
    } catch (error) {
      if (codeOf(error) !== 'reauthentication_required') throw error;
    }
    return (await this.dialog.ask()) ? { result: await call() } : null;
  }
}
