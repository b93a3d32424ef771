import type { Client, SessionView } from '@latchkey/client';
import { byId, element, notice, reasonOf, thisView } from './page.js';

/** As user agents name them. Each comes before those that it pretends to be. */
const BROWSERS = ['Edg', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl'];
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'Linux'];

export function showDevices(auth: Client): void {
  byId('end-others').addEventListener('click', () => void after(auth, auth.sessions.revokeOthers()));
}

export async function listDevices(auth: Client): Promise<void> {
  const isStill = thisView();
  try {
    const sessions = await auth.sessions.list();
    if (isStill()) byId('devices').replaceChildren(...sessions.map((session) => line(auth, session)));
  } catch {
    // The event line says what happened; the list stays as it was last seen.
  }
}

/** Does this, and lists what is left. */
async function after(auth: Client, deed: Promise<void>): Promise<void> {
  const isStill = thisView();
  notice('');
  const problem = await deed.catch(reasonOf);
  if (!isStill()) return;
  if (problem) notice(`That did not work: ${problem}`);
  await listDevices(auth);
}

function line(auth: Client, session: SessionView): HTMLLIElement {
  const item = element('li');
  const name = deviceName(session.userAgent);
  const what = element('span', session.current ? `${name} (this one)` : name);
  const since = new Date(session.createdAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
  const where = element('span', [session.ip, `since ${since}`].filter(Boolean).join(', '));
  where.className = 'quiet';
  const end = element('button', 'End this');
  end.type = 'button';
  end.ariaLabel = `End this: ${what.textContent}, since ${since}`;
  end.addEventListener('click', () => void after(auth, auth.sessions.revoke(session.id)));
  item.append(what, where, end);
  return item;
}

/** Enough to tell one's phone from one's laptop. */
function deviceName(userAgent: string | null): string {
  if (!userAgent) return 'Unknown device';
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find((name) => userAgent.includes(name)));
  return [browser, system].filter(Boolean).join(' on ') || userAgent.slice(0, 60);
}
