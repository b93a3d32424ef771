import type { Mail, OutboxEntry } from '../../../src/mail/mail.js';
import { Outbox } from '../../../src/mail/outbox.js';
import type { OutboxState } from '../../../src/mail/outbox-row.entity.js';
import { Database } from '../../../src/database/database.js';
import type { TestApp } from '../app/app.js';

/** Kinds of mail as features define them: a verification, and a notice. */
export function defineKinds({ app }: Pick<TestApp, 'app'>): void {
  const outbox = app.get(Outbox, { strict: false });
  outbox.define('verify', async (entry) => verification(entry));
  outbox.define('notice', async (entry) => ({
    template: 'account-deleted',
    to: entry.recipient,
    locale: null,
    data: { name: String(entry.payload['name'] ?? '') },
  }));
  outbox.define('nothing', async () => null);
}

export function verification({ recipient, payload }: OutboxEntry): Mail {
  const token = String(payload['token']);
  const locale = (payload['locale'] as string | undefined) ?? null;
  const data = {
    name: String(payload['name'] ?? ''),
    link: `https://app.example.com/auth#verify-email=${token}`,
    code: '123456',
  };
  return { template: 'verify-email', to: recipient, locale, data };
}

let events = 0;

/** Adds a mail outside of any transaction, for an event of its own. */
export async function addMail(
  { app }: Pick<TestApp, 'app'>,
  recipient: string,
  { kind = 'verify', event = `event ${events++}`, ...payload }: Record<string, string> = {},
): Promise<void> {
  const all = { token: 'a-token', ...payload };
  await app.get(Outbox, { strict: false }).add({ kind, recipient, event, payload: all }, app.get(Database));
}

export interface StoredEntry {
  id: string;
  kind: string;
  recipient: string;
  state: OutboxState;
  attempts: number;
  payload: string | null;
  next_attempt_at: number;
  last_error: string | null;
}

/** The rows of the outbox, oldest first. */
export async function entriesOf({ app }: Pick<TestApp, 'app'>): Promise<StoredEntry[]> {
  return app.get(Database).read<StoredEntry>('SELECT * FROM outbox ORDER BY id');
}

export async function statesOf(test: Pick<TestApp, 'app'>): Promise<OutboxState[]> {
  return (await entriesOf(test)).map(({ state }) => state);
}
