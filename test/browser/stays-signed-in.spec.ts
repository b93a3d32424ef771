import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openBrowser, openSharedBrowser, sessionCookies } from '../support/browser/browser.js';
import { eventsOf, isSignedIn, openDemo, signUp, whoAmI } from '../support/browser/demo-page.js';
import { freePort } from '../support/programs/free-port.js';
import { login, refresh, someEmail } from '../support/app/users.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';

/** Access tokens expire within seconds, and about every third refresh rotates. The leeway suits a busy machine. */
const LIFETIMES = { ACCESS_TOKEN_TTL: '3s', REFRESH_ROTATION_INTERVAL: '10s', REFRESH_LEEWAY: '5s' };
const TOKEN_LIFE_MS = 3000;
const UNTIL_ROTATION_MS = 11_000;
const CLICKING_MS = 60_000;

interface SignedInUser {
  context: BrowserContext;
  tab: Page;
  email: string;
}

const BOTH = ['cookie', 'body'] as const;

/** The demo against one server. The tests run at the same time, each in its own context: they mostly wait. */
describe.skipIf(!browserPath)('a signed-in user', { timeout: 240_000 }, () => {
  let server: ServerProcess;
  let origin: string;
  let browser: Browser;
  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    server = await startServer({ ...LIFETIMES, PORT: String(port), ISSUER: origin });
    browser = await openSharedBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  /** Runs this with a new user, in a context that shares nothing with the others. */
  async function withUser(delivery: string, work: (one: SignedInUser) => Promise<void>) {
    const context = await browser.newContext();
    try {
      await work({ context, ...(await signUpIn(context, delivery)) });
    } finally {
      await context.close();
    }
  }

  async function signUpIn(context: BrowserContext, delivery: string) {
    const tab = await openDemo(context, origin, delivery);
    const email = someEmail();
    await signUp(tab, email);
    return { tab, email };
  }

  it.concurrent.each(BOTH)('sees no sign-in form in a minute of expiring tokens (%s)', (delivery) =>
    withUser(delivery, async ({ context, tab }) => {
      let forms = 0;
      await context.exposeFunction('sawSignInForm', () => (forms += 1));
      await context.addInitScript(reportSignInForm);
      const refreshes: number[] = [];
      const refusals: string[] = [];
      context.on('response', async (response) => {
        if (new URL(response.url()).pathname === '/auth/refresh') refreshes.push(response.status());
        if (response.status() >= 400) refusals.push(((await response.json()) as { code: string }).code);
      });
      await tab.reload();
      const other = await openDemo(context, origin);
      const operations = [
        async () => expect(await whoAmI(tab)).toBe('200'),
        async () => expect(await whoAmI(other)).toBe('200'),
        () => tab.click('#refresh-list'),
        async () => expect(await whoAmI(tab)).toBe('200'),
        () => tab.reload().then(() => isSignedIn(tab)),
        () => other.click('#expire'),
        async () => expect(await Promise.all([whoAmI(tab), whoAmI(other)])).toEqual(['200', '200']),
      ];
      for (const end = Date.now() + CLICKING_MS; Date.now() < end;) {
        for (const operation of operations) {
          await operation();
          await sleep(1000);
        }
      }
      expect(forms).toBe(0);
      expect(new Set(refreshes)).toEqual(new Set([200]));
      expect(refreshes.length).toBeGreaterThan(CLICKING_MS / TOKEN_LIFE_MS / 2);
      // A token may expire on its way to the server. The client then sends the call again.
      expect(refusals.filter((code) => code !== 'access_token_expired')).toEqual([]);
    }),
  );

  it.concurrent.each(BOTH)('stays signed in when six tabs resume at once, with one rotation (%s)', (delivery) =>
    withUser(delivery, async ({ context, tab }) => {
      const more = await Promise.all(Array.from({ length: 5 }, () => openDemo(context, origin)));
      const tabs = [tab, ...more];
      await Promise.all(tabs.map(isSignedIn));
      const generations = () => Promise.all(tabs.map((one) => one.locator('#generation').innerText()));
      const newest = async () => Math.max(...(await generations()).map((text) => Number(/\d+/.exec(text)?.[0] ?? 0)));
      const before = await newest();
      await sleep(UNTIL_ROTATION_MS);
      expect(await Promise.all(tabs.map(whoAmI))).toEqual(tabs.map(() => '200'));
      expect(await newest()).toBe(before + 1);
      const events = (await Promise.all(tabs.map(eventsOf))).flat();
      expect(events.filter((event) => /onChange: (?!signed_in)/.test(event))).toEqual([]);
    }),
  );

  it.concurrent.each(BOTH)('stays signed in after lost responses to a refresh (%s)', (delivery) =>
    withUser(delivery, async ({ context, tab }) => {
      await sleep(UNTIL_ROTATION_MS);
      const lost: number[] = [];
      await context.route('**/auth/refresh', async (route) => {
        if (lost.length === 2) return route.continue();
        // Not sent by the browser, which would store the cookie of the response.
        lost.push(await send(route.request()));
        return route.abort('connectionreset');
      });
      expect(await whoAmI(tab)).toBe('200');
      expect(lost).toEqual([200, 200]);
      await sleep(UNTIL_ROTATION_MS);
      expect(await whoAmI(tab)).toBe('200');
      expect((await eventsOf(tab)).filter((event) => event.includes('onChange'))).toEqual(['onChange: signed_in']);
    }),
  );

  it.concurrent.each(BOTH)('stays signed in when the browser is killed and restarted (%s)', async (delivery) => {
    const own = await openBrowser();
    try {
      const { tab, email } = await signUpIn(own.context, delivery);
      await sleep(UNTIL_ROTATION_MS);
      const before = await tab.locator('#generation').innerText();
      const rotatedAt = Date.now();
      expect(await whoAmI(tab)).toBe('200');
      expect(await tab.locator('#generation').innerText()).not.toBe(before);
      await (delivery === 'cookie'
        ? cookiesWritten(own.profile, rotatedAt)
        : storageWritten(own.profile, await storedToken(tab)));
      await own.kill();
      await own.restart();
      const again = await openDemo(own.context, origin);
      await isSignedIn(again);
      expect(await again.locator('#who').innerText()).toBe(email);
      expect(await whoAmI(again)).toBe('200');
    } finally {
      await own.close();
    }
  });

  it.concurrent('is signed out in all tabs after a sign-out in one', () =>
    withUser('cookie', async ({ context, tab }) => {
      const other = await openDemo(context, origin);
      await isSignedIn(other);
      await tab.click('#sign-out');
      for (const one of [tab, other]) {
        await one.locator('#signed-out').waitFor();
        expect((await eventsOf(one)).at(-1)).not.toContain('401');
      }
      expect(await other.locator('#notice').isVisible()).toBe(false);
    }),
  );

  it.concurrent.each(BOTH)('learns of the reuse of a stolen token, and keeps the other device (%s)', (delivery) =>
    withUser(delivery, async ({ context, tab, email }) => {
      const phone = await login(server.http, email);
      const stolen = await copyOfToken(tab, delivery);
      await sleep(UNTIL_ROTATION_MS);
      await useElsewhere(stolen);
      // The leeway has to pass: within it the reuse could come from another tab.
      await sleep(8000);
      await tab.click('#who-am-i');
      await tab.locator('#signed-out').waitFor();
      expect(await tab.locator('#notice').innerText()).toContain('used in two places');
      expect((await eventsOf(tab)).join('\n')).toContain('reused');
      expect(await sessionCookies(context)).toEqual([]);
      expect((await refresh(server.http, phone.refresh_token)).status).toBe(200);
    }),
  );

  it.concurrent.each(BOTH)('stays signed in over a time offline (%s)', (delivery) =>
    withUser(delivery, async ({ context, tab }) => {
      await context.setOffline(true);
      await sleep(2 * TOKEN_LIFE_MS);
      expect(await whoAmI(tab)).toContain('No response');
      await sleep(TOKEN_LIFE_MS);
      expect(await whoAmI(tab)).toContain('No response');
      await context.setOffline(false);
      expect(await whoAmI(tab)).toBe('200');
      expect(await tab.locator('#signed-out').isVisible()).toBe(false);
    }),
  );

  it.concurrent.each([-2, 2])('stays signed in on a device whose clock is %d h off', (hours) =>
    withUser('cookie', async ({ context, tab }) => {
      await context.addInitScript(setClock, hours * 3_600_000);
      await tab.reload();
      expect(Math.abs((await tab.evaluate<number>('Date.now()')) - Date.now())).toBeGreaterThan(7_000_000);
      for (let round = 0; round < 4; round += 1) {
        for (let call = 0; call < 4; call += 1) expect(await whoAmI(tab)).toBe('200');
        await sleep(TOKEN_LIFE_MS);
      }
      // As on any other device: not one refresh for each call, and not only after the server refused a token.
      const events = await eventsOf(tab);
      expect(events.filter((event) => event.startsWith('POST /auth/refresh')).length).toBeLessThan(9);
      expect(events.filter((event) => event.includes('too old')).length).toBeLessThan(3);
      expect(await tab.locator('#countdown').innerText()).toMatch(/^0:0\d$|No valid token/);
    }),
  );

  /** Sends the request of the browser by other means, and returns the status. */
  async function send(request: Request): Promise<number> {
    const response = await fetch(request.url(), {
      method: request.method(),
      headers: await request.allHeaders(),
      body: request.postData()!,
    });
    await response.text();
    return response.status;
  }

  /** Every script of the page can read it. */
  const storedToken = (tab: Page) => tab.evaluate<string>(`localStorage.getItem('latchkey ${origin}/')`);

  interface Stolen {
    headers: Record<string, string>;
    json: Record<string, string>;
  }

  async function copyOfToken(tab: Page, delivery: string): Promise<Stolen> {
    if (delivery === 'body') return { headers: {}, json: { refresh_token: await storedToken(tab) } };
    const [cookie] = await sessionCookies(tab.context());
    return { headers: { cookie: `${cookie!.name}=${cookie!.value}`, origin }, json: {} };
  }

  /** A thief refreshes with the copy, and uses the new access token. */
  async function useElsewhere({ headers, json }: Stolen): Promise<void> {
    const { status, body } = await server.http.post<{ access_token: string }>('/auth/refresh', { headers, json });
    expect(status).toBe(200);
    expect((await server.http.get('/users/me', { token: body.access_token })).status).toBe(200);
  }
});

/** Chromium writes cookies to the disk after half a minute, and storage at most once a minute. */
function cookiesWritten(profile: string, since: number): Promise<void> {
  return eventually(() => statSync(join(profile, 'Default/Cookies')).mtimeMs > since);
}

function storageWritten(profile: string, text: string): Promise<void> {
  const folder = join(profile, 'Default/Local Storage/leveldb');
  return eventually(() =>
    readdirSync(folder).some((name) => readFileSync(join(folder, name), 'latin1').includes(text)),
  );
}

async function eventually(what: () => boolean): Promise<void> {
  await expect.poll(what, { timeout: 130_000, interval: 500 }).toBe(true);
}

/** These functions run in the page, before its own scripts. */
function reportSignInForm(): void {
  const page = globalThis as any;
  const report = () => {
    if (page.document.getElementById('signed-out')?.hidden === false) page.sawSignInForm();
  };
  new page.MutationObserver(report).observe(page.document, { subtree: true, childList: true, attributes: true });
}

function setClock(offset: number): void {
  const page = globalThis as any;
  const RealDate = page.Date;
  const now = () => RealDate.now() + offset;
  page.Date = class extends RealDate {
    constructor(...args: unknown[]) {
      super(...(args.length > 0 ? args : [now()]));
    }
  };
  page.Date.now = now;
}
