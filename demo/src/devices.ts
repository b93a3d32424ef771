import type { Client, SessionView } from '@latchkey/client';
import type { Connection } from './connection.js';
import { byId, element, notice, reasonOf, thisView } from './page.js';

/** Names in user agent strings. Chrome's string also contains Safari, for example, so the order matters. */
const BROWSERS = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl'];
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'Linux'];

export function showDevices(connection: Connection): void {
  byId('sign-out-others').addEventListener('click', () => {
    const { client } = connection;
    void listAfter(client, client.sessions.revokeOthers());
  });
}

export async function listDevices(client: Client): Promise<void> {
  const isStill = thisView();
  try {
    const sessions = await client.sessions.list();
    if (isStill()) byId('devices').replaceChildren(...sessions.map((session) => line(client, session)));
  } catch {
    // The list stays as it is. The event line shows the error.
  }
}

/** Waits for an operation, and loads the list again. */
async function listAfter(client: Client, operation: Promise<void>): Promise<void> {
  const isStill = thisView();
  notice('');
  const problem = await operation.catch(reasonOf);
  if (!isStill()) return;
  if (problem) notice(`That did not work: ${problem}`);
  await listDevices(client);
}

function line(client: Client, session: SessionView): HTMLLIElement {
  const item = element('li');
  const name = deviceName(session.userAgent);
  const what = element('span', session.current ? `${name} (this one)` : name);
  const since = new Date(session.createdAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
  const where = element('span', [session.ip, `since ${since}`].filter(Boolean).join(', '));
  where.className = 'quiet';
  const button = element('button', 'Sign out');
  button.type = 'button';
  button.ariaLabel = `Sign out ${what.textContent}, since ${since}`;
  button.addEventListener('click', () => void listAfter(client, client.sessions.revoke(session.id)));
  item.append(what, where, button);
  return item;
}

/** Browser and system, as far as the user agent names them. */
function deviceName(userAgent: string | null): string {
  if (!userAgent) return 'Unknown device';
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find((name) => userAgent.includes(name)));
  return [browser, system].filter(Boolean).join(' on ') || userAgent.slice(0, 60);
}
