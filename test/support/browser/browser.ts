import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Cookie } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser of this machine, if it has one. */
export const browserPath = CANDIDATES.find((path) => existsSync(path));

const OPTIONS = {
  ...(browserPath && { executablePath: browserPath }),
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
  ],
};

if (!browserPath)
  process.stderr.write('\n*** NO BROWSER: the browser tests are SKIPPED (apt-get install chromium) ***\n\n');

export interface OwnBrowser {
  context: BrowserContext;
  /** The folder of its files on the disk. */
  profile: string;
  /** Closes the browser and deletes its profile. */
  close: () => Promise<void>;
  /** Kills its processes, as a power failure does, and keeps the profile. */
  kill: () => Promise<void>;
  /** Starts again with the profile, as after a crash. */
  restart: () => Promise<void>;
}

/** One browser for many users: each gets a context of their own, which shares nothing with the others. */
export function openSharedBrowser(): Promise<Browser> {
  return chromium.launch(OPTIONS);
}

/** A browser with an empty profile. */
export async function openBrowser(moreArgs: string[] = []): Promise<OwnBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'latchkey-browser-'));
  const browser: OwnBrowser = {
    profile,
    context: await launch(profile, moreArgs),
    close: async () => {
      await browser.context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
    kill: async () => {
      const closed = new Promise((resolve) => browser.context.once('close', resolve));
      for (const id of processesOf(profile)) process.kill(id, 'SIGKILL');
      await closed;
    },
    restart: async () => {
      browser.context = await launch(profile, moreArgs);
    },
  };
  return browser;
}

/** The cookies of sessions. Those of known devices, which a sign-out keeps, are left out. */
export async function sessionCookies(context: BrowserContext, url?: string): Promise<Cookie[]> {
  return (await context.cookies(url)).filter(({ name }) => !name.includes('latchkey-device-'));
}

function launch(profile: string, moreArgs: string[]): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, { ...OPTIONS, args: [...OPTIONS.args, ...moreArgs] });
}

/** The main process of the browser; its child processes end with it. */
function processesOf(profile: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandOf(name).includes(`--user-data-dir=${profile}`))
    .map(Number);
}

function commandOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
