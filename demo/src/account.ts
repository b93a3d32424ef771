import type { Client } from '@latchkey/client';
import { byId, notice, reasonOf, thisView } from './page.js';

export function showAccount(auth: Client): void {
  byId('who-am-i').addEventListener('click', () => void whoAmI(auth));
  byId('log-out').addEventListener('click', () => void logOut(auth));
}

export function forgetAccount(): void {
  byId('who').textContent = '…';
  showAnswer('');
}

/** Whose page this is. */
export async function showName(auth: Client): Promise<void> {
  const isStill = thisView();
  const answer = await auth.fetch('/users/me').catch(() => undefined);
  if (!answer?.ok) return;
  const { email, name } = (await answer.json()) as { email: string; name?: string | null };
  if (isStill()) byId('who').textContent = name ?? email;
}

/** A call of the app, like any other. */
async function whoAmI(auth: Client): Promise<void> {
  const isStill = thisView();
  showAnswer('…');
  try {
    const answer = await auth.fetch('/auth/whoami');
    const text = `${answer.status}\n${JSON.stringify(await answer.json(), null, 2)}`;
    if (isStill()) showAnswer(text);
  } catch (error) {
    if (isStill()) showAnswer(`No answer: ${reasonOf(error)}. You are still signed in.`);
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

function showAnswer(text: string): void {
  const place = byId('answer');
  place.textContent = text;
  place.hidden = text === '';
}
