import type { Client } from '@latchkey/client';
import { byId, notice, reasonOf, thisView } from './page.js';

export function showAccount(auth: Client): void {
  byId('who-am-i').addEventListener('click', () => void whoAmI(auth));
  byId('log-out').addEventListener('click', () => void logOut(auth));
}

export function forgetAccount(): void {
  byId('who').textContent = '…';
  showResponse('');
}

/** Whose page this is. */
export async function showName(auth: Client): Promise<void> {
  const isStill = thisView();
  const response = await auth.fetch('/users/me').catch(() => undefined);
  if (!response?.ok) return;
  const { email, name } = (await response.json()) as { email: string; name?: string | null };
  if (isStill()) byId('who').textContent = name ?? email;
}

/** A call of the app, like any other. */
async function whoAmI(auth: Client): Promise<void> {
  const isStill = thisView();
  showResponse('…');
  try {
    const response = await auth.fetch('/auth/whoami');
    const text = `${response.status}\n${JSON.stringify(await response.json(), null, 2)}`;
    if (isStill()) showResponse(text);
  } catch (error) {
    if (isStill()) showResponse(`No response: ${reasonOf(error)}. You are still signed in.`);
  }
}

async function logOut(auth: Client): Promise<void> {
  try {
    await auth.logout();
  } catch (error) {
    notice(
      `Signed out here, but the server could not be told (${reasonOf(error)}): end the session from another device.`,
    );
  }
}

function showResponse(text: string): void {
  const place = byId('response');
  place.textContent = text;
  place.hidden = text === '';
}
