import type { Client } from '@latchkey/client';
import type { Connection } from './connection.js';
import { byId, notice, reasonOf, thisView } from './page.js';

export function showAccount(connection: Connection): void {
  byId('who-am-i').addEventListener('click', () => void whoAmI(connection.client));
  byId('sign-out').addEventListener('click', () => void signOut(connection.client));
}

export function clearAccount(): void {
  byId('who').textContent = '…';
  showResponse('');
}

export async function showName(client: Client): Promise<void> {
  const isStill = thisView();
  const response = await client.fetch('/users/me').catch(() => undefined);
  if (!response?.ok) return;
  const { email, name } = (await response.json()) as { email: string; name?: string | null };
  if (isStill()) byId('who').textContent = name ?? email;
}

/** An example of an API call. */
async function whoAmI(client: Client): Promise<void> {
  const isStill = thisView();
  showResponse('…');
  try {
    const response = await client.fetch('/auth/whoami');
    const text = `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`;
    if (isStill()) showResponse(text);
  } catch (error) {
    if (isStill()) showResponse(`No response: ${reasonOf(error)}. You are still signed in.`);
  }
}

async function signOut(client: Client): Promise<void> {
  try {
    await client.logout();
  } catch (error) {
    notice(
      `Signed out here, but the server was not reached (${reasonOf(error)}). Sign out this session from another device.`,
    );
  }
}

function showResponse(text: string): void {
  const place = byId('response');
  place.textContent = text;
  place.hidden = text === '';
}
