import { LatchkeyError, type Client } from '@latchkey/client';
import { byId, notice } from './page.js';

export function showAccount(auth: Client): void {
  byId('who-am-i').addEventListener('click', () => void whoAmI(auth));
  byId('log-out').addEventListener('click', () => void logOut(auth));
}

/** Whose page this is. */
export async function showName(auth: Client): Promise<void> {
  byId('who').textContent = '…';
  const answer = await auth.fetch('/users/me');
  if (!answer.ok) return;
  const { email, name } = (await answer.json()) as { email: string; name?: string | null };
  byId('who').textContent = name ?? email;
}

/** A call of the app, like any other. */
async function whoAmI(auth: Client): Promise<void> {
  const place = byId('answer');
  place.hidden = false;
  try {
    const answer = await auth.fetch('/auth/whoami');
    place.textContent = `${answer.status}\n${JSON.stringify(await answer.json(), null, 2)}`;
  } catch (error) {
    place.textContent = `No answer: ${reasonOf(error)}. Nobody was signed out by that.`;
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

function reasonOf(error: unknown): string {
  return error instanceof LatchkeyError ? error.code : (error as Error).message;
}
