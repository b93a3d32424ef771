import type { Account, Proof } from '@latchkey/client';
import type { LinkAction } from './links.js';

/** What the page asks for after a link was opened, or while the user waits for a mail with a code. */
export interface ProofTask {
  title: string;
  /** For a link that was opened. Nothing is redeemed before the click on the button. */
  linkText: string;
  /** While the user waits for the mail. */
  mailText: string;
  button: string;
  asksForPassword?: true;
  run: (account: Account, proof: Proof, newPassword: string) => Promise<void>;
  /** What happened, and what the user does next. */
  done: string;
}

export const PROOF_TASKS: Record<LinkAction, ProofTask> = {
  'verify-email': {
    title: 'Verify your address',
    linkText:
      'Click to confirm that this address is yours. If you signed in with it in another browser, open the link there: else the password from before may be removed, because somebody else may have set it.',
    mailText: 'Open the link in the mail that you get now, or enter its code here.',
    button: 'Verify my address',
    run: (account, proof) => account.verifyEmail(proof),
    done: 'Your address is verified. If your password is not accepted any more, set a new one with “Forgot password?”.',
  },
  'reset-password': {
    title: 'Set a new password',
    linkText: 'All devices are signed out when you set a new password.',
    mailText: 'If the address has an account, it gets a mail. Open its link, or enter its code here.',
    button: 'Set the password',
    asksForPassword: true,
    run: (account, proof, newPassword) => account.resetPassword(proof, newPassword),
    done: 'The password is changed. Sign in with the new one.',
  },
  'confirm-email': {
    title: 'Confirm the new address',
    linkText: 'Click to make the new address the one of your account.',
    mailText: 'The new address gets a mail. Open its link, or enter its code here.',
    button: 'Confirm the address',
    run: (account, proof) => account.confirmEmail(proof),
    done: 'Your account has the new address. Sign in with it from now on.',
  },
  'undo-email-change': {
    title: 'Keep the old address',
    linkText: 'Click to give the account its old address again. All devices are signed out.',
    mailText: '',
    button: 'Keep the old address',
    run: (account, proof) => account.undoEmailChange('token' in proof ? proof.token : ''),
    done: 'Your account has its old address again. If somebody else wanted to change it, set a new password with “Forgot password?”.',
  },
};
