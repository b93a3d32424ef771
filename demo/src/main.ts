import type { SessionChange } from '@latchkey/client';
import { clearAccount, showAccount, showProfile } from './account.js';
import { Connection } from './connection.js';
import { clearToken, restart, showCountdown } from './countdown.js';
import { chooseDelivery, onDeliveryChange } from './delivery.js';
import { linkToDevMail } from './dev-mail.js';
import { listDevices, showDevices } from './devices.js';
import { closeDialogs } from './dialog.js';
import { note, noteActivity, noteChange } from './event-line.js';
import { simulateFailures } from './failures.js';
import { openForgot, showForgot } from './forgot.js';
import { isBusy } from './form.js';
import { onLink } from './links.js';
import { beginView, byId, goTo, notice } from './page.js';
import { isProofOpen, openLink, showProofs } from './proof.js';
import { Reauthentication } from './reauthentication.js';
import { clearSecurityEvents, listSecurityEvents, showSecurityEvents } from './security-events.js';
import { clearSettings, showSettings } from './settings.js';
import { showSignIn } from './sign-in.js';
import { allowOwnWorkers } from './trusted-types.js';

const [delivery] = await Promise.all([chooseDelivery(), linkToDevMail()]);
simulateFailures();

allowOwnWorkers();
const connection = new Connection(delivery, {
  onChallenge: () => note('The server asks for proof of work: solving its challenge in a worker'),
  onActivity(activity) {
    noteActivity(activity);
    restart(activity);
  },
  onChange(change) {
    noteChange(change);
    notice(messageFor(change));
    show(change.session !== null);
    goTo(change.session ? 'account-title' : 'sign-in-title');
  },
});

showSignIn(connection);
showForgot(connection, () => void showSession());
showProofs(connection, () => void showSession());
showAccount(connection);
showSettings(connection, new Reauthentication(connection));
showSecurityEvents(connection);
showDevices(connection);
showCountdown();
byId('refresh-list').addEventListener('click', fill);
addEventListener('online', fill);
onDeliveryChange((chosen) => {
  const isSigningIn = isBusy(byId('sign-in'));
  // The session of this tab, or its request, belongs to the other delivery. Without one the form keeps its content.
  if (isSignedIn() || isSigningIn) location.reload();
  else {
    connection.use(chosen);
    void showSession();
  }
});
await showSession();
onLink((link) => {
  if (link.action === 'forgot-password') openForgot();
  else openLink(link.action, link.token);
});

async function showSession(): Promise<void> {
  const { client } = connection;
  const session = await client.session();
  if (client === connection.client) show(session !== null);
}

function isSignedIn(): boolean {
  return !byId('signed-in').hidden;
}

/** Shows the account or the form, and nothing of the user before. */
function show(hasSession: boolean): void {
  beginView();
  closeDialogs();
  if (hasSession) byId('forgot').hidden = true;
  byId('signed-out').hidden = hasSession || isProofOpen() || !byId('forgot').hidden;
  byId('signed-in').hidden = !hasSession;
  clearAccount();
  clearToken();
  clearSettings();
  clearSecurityEvents();
  byId('devices').replaceChildren();
  fill();
}

/** Loads the content of the page. It runs again when the network is back, because it may have failed before. */
function fill(): void {
  if (!isSignedIn()) return;
  const { client, account } = connection;
  void showProfile(client);
  void listDevices(client);
  void listSecurityEvents(account);
}

/** What the user has to know about a change. */
function messageFor({ type, code, reason }: SessionChange): string {
  if (type === 'user_changed') return 'Another user signed in in this browser. This page now shows their account.';
  if (type !== 'ended') return '';
  if (reason === 'reused' || code === 'refresh_token_reused') {
    return 'The refresh token of this session was used in two places, as if it had been stolen. The session was revoked. Sign in again, and change your password if you cannot explain this.';
  }
  if (code === 'session_expired') return 'The session expired. Sign in again.';
  if (reason === 'credentials_changed') return 'The password or the address of the account was changed. Sign in again.';
  if (reason === 'ended_by_user') return 'This session was signed out from another device. Sign in again.';
  return 'This session is over. Sign in again.';
}
