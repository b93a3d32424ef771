import type { LatchkeyError } from '../latchkey-error.js';
import { FakeBrowser, type BrowserOptions, type NetworkConditions } from './fake-browser.js';

export const GRACE = { email: 'grace', password: 'good' };
export const ADA = { email: 'ada', password: 'good' };
export const REFRESH = 'POST /auth/refresh';
export const MINUTE = 60_000;
/** Longer than the lifetime of an access token. */
export const LATER = 16 * MINUTE;

/** A browser where Grace is signed in, in each of its tabs. */
export async function signedIn(options: BrowserOptions & { tabs?: number } = {}) {
  const browser = new FakeBrowser(options);
  const { world, server } = browser;
  const tabs = Array.from({ length: options.tabs ?? 1 }, () => browser.openTab());
  const session = await world.until(tabs[0]!.client.login(GRACE));
  await world.pass(10);
  for (const tab of tabs) {
    await world.until(tab.client.session());
    tab.changes.length = 0;
  }
  return { browser, world, server, session, tabs, tab: tabs[0]!, other: tabs[1]! };
}

export const later = (ms: number): NetworkConditions => ({ there: ms, back: 5 });
export const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
export const failure = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error as LatchkeyError,
  );
