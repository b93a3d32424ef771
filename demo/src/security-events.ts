import type { Account, SecurityEventView } from '@latchkey/client';
import type { Connection } from './connection.js';
import { inWords } from './error-words.js';
import { byId, element, notice, thisView } from './page.js';

/** The cursor of the next page; null where all events are shown. */
let next: string | null = null;

export function showSecurityEvents(connection: Connection): void {
  byId('older-events').addEventListener('click', () => {
    const isStill = thisView();
    connection.account.securityEvents(next ?? undefined).then(
      (page) => isStill() && append(page),
      (error: unknown) => notice(inWords(error)),
    );
  });
}

export function clearSecurityEvents(): void {
  byId('security-events').replaceChildren();
  byId('older-events').hidden = true;
}

/** Shows the newest events. */
export async function listSecurityEvents(account: Account): Promise<void> {
  const isStill = thisView();
  const page = await account.securityEvents().catch(() => undefined);
  if (!page || !isStill()) return;
  clearSecurityEvents();
  append(page);
}

function append(page: Awaited<ReturnType<Account['securityEvents']>>): void {
  next = page.next;
  byId('security-events').append(...page.items.map(line));
  byId('older-events').hidden = next === null;
}

function line({ type, at, ip, current }: SecurityEventView): HTMLLIElement {
  const item = element('li');
  const words = type.replaceAll('_', ' ');
  const time = new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
  const where = [time, ip, current ? 'this device' : ''].filter(Boolean).join(', ');
  const quiet = element('span', ` ${where}`);
  quiet.className = 'quiet';
  item.append(element('span', words.charAt(0).toUpperCase() + words.slice(1)), quiet);
  return item;
}
