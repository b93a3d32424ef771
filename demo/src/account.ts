import type { Client } from '@latchkey/client';
import type { Connection } from './connection.js';
import { byId, notice, reasonOf, thisView } from './page.js';
import { showVerification } from './settings.js';

interface Profile {
  email: string;
  name: string | null;
  emailVerified: boolean;
}

export function showAccount(connection: Connection): void {
  byId('who-am-i').addEventListener('click', () => void whoAmI(connection.client));
  byId('sign-out').addEventListener('click', () => void signOut(connection.client));
}

export function clearAccount(): void {
  byId('who').textContent = '…';
  showResponse('');
}

/** Shows who is signed in, and whether their address is verified. */
export async function showProfile(client: Client): Promise<void> {
  const isStill = thisView();
  const response = await client.fetch('/users/me').catch(() => undefined);
  if (!response?.ok) return;
  const { email, name, emailVerified } = (await response.json()) as Profile;
  if (!isStill()) return;
  byId('who').textContent = name ?? email;
  showVerification(emailVerified);
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
