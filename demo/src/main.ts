import { createClient, localStorageStore, type SessionChange } from '@latchkey/client';
import { showAccount, showName } from './account.js';
import { forgetToken, restart, showCountdown } from './countdown.js';
import { chooseDelivery } from './delivery.js';
import { listDevices, showDevices } from './devices.js';
import { noteActivity, noteChange } from './event-line.js';
import { byId, notice } from './page.js';
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

auth.onChange((change) => {
  noteChange(change);
  notice(wordsFor(change));
  if (!change.session) forgetToken();
  show(change.session !== null);
});
show((await auth.session()) !== null);

/** One of the two pages this is: for somebody, or for nobody yet. */
function show(isSignedIn: boolean): void {
  byId('signed-out').hidden = isSignedIn;
  byId('signed-in').hidden = !isSignedIn;
  byId('answer').hidden = true;
  byId('devices').replaceChildren();
  if (!isSignedIn) return;
  void showName(auth).catch(() => undefined);
  void listDevices(auth);
}

/** What the account holder has to know. */
function wordsFor({ reason, code, because }: SessionChange): string {
  if (reason === 'user_changed') return 'Somebody else signed in in this browser: this is now their page.';
  if (reason !== 'ended') return '';
  if (because === 'reused' || code === 'refresh_token_reused') {
    return 'This session was used in two places at once, as if it had been copied. It was ended. Sign in again, and change your password if you do not know why.';
  }
  if (code === 'session_expired') return 'You were away for long. Sign in again.';
  return 'This session was ended, here or from another device. Sign in again.';
}
