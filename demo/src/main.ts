import { createClient, localStorageStore, type SessionChange } from '@latchkey/client';
import { forgetAccount, showAccount, showName } from './account.js';
import { forgetToken, restart, showCountdown } from './countdown.js';
import { chooseDelivery } from './delivery.js';
import { listDevices, showDevices } from './devices.js';
import { noteActivity, noteChange } from './event-line.js';
import { beginView, byId, goTo, notice } from './page.js';
import { showSignIn } from './sign-in.js';
import { makeTroublePossible } from './trouble.js';

const delivery = await chooseDelivery();
makeTroublePossible();

const auth = createClient({
  baseUrl: '/',
  delivery,
  store: localStorageStore(),
  onActivity: (activity) => {
    noteActivity(activity);
    restart(activity);
  },
});

showSignIn(auth);
showAccount(auth);
showDevices(auth);
showCountdown();
byId('look-again').addEventListener('click', fill);
addEventListener('online', fill);

auth.onChange((change) => {
  noteChange(change);
  notice(wordsFor(change));
  show(change.session !== null);
  goTo(change.session ? 'account-title' : 'sign-in-title');
});
show((await auth.session()) !== null);

/** One of the two pages this is: for somebody, or for nobody yet. */
function show(isSignedIn: boolean): void {
  beginView();
  byId('signed-out').hidden = isSignedIn;
  byId('signed-in').hidden = !isSignedIn;
  forgetAccount();
  forgetToken();
  byId('devices').replaceChildren();
  if (!isSignedIn) return;
  fill();
}

/** Asks for what the page shows; again when the network is back, as it may have failed. */
function fill(): void {
  if (byId('signed-in').hidden) return;
  void showName(auth);
  void listDevices(auth);
}

/** What the account holder has to know. */
function wordsFor({ type, code, reason }: SessionChange): string {
  if (type === 'user_changed') return 'Somebody else signed in in this browser: this is now their page.';
  if (type !== 'ended') return '';
  if (reason === 'reused' || code === 'refresh_token_reused') {
    return 'This session was used in two places at once, as if it had been copied. It was ended. Sign in again, and change your password if you do not know why.';
  }
  if (code === 'session_expired') return 'You were away for long. Sign in again.';
  if (reason === 'credentials_changed') return 'The password was changed. Sign in again with the new one.';
  if (reason === 'ended_by_user') return 'You ended this session from another device. Sign in again.';
  return 'This session is over. Sign in again.';
}
