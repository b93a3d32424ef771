import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser, BrowserContext, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openBrowser, openSharedBrowser } from '../support/browser.js';
import { eventsOf, isSignedIn, openDemo, signUp, whoAmI } from '../support/demo-page.js';
import { freePort } from '../support/free-port.js';
import { login, refresh, someEmail } from '../support/people.js';
import { startServer, type ServerProcess } from '../support/server-process.js';

/** A token expires every few seconds, every third refresh rotates. L is long enough for a machine that does much else. */
const LIFETIMES = { ACCESS_TOKEN_TTL: '3s', REFRESH_ROTATION_INTERVAL: '10s', REFRESH_LEEWAY: '5s' };
const TOKEN_LIFE_MS = 3000;
const UNTIL_ROTATION_MS = 11_000;
const CLICKING_MS = 120_000;

interface Somebody {
  context: BrowserContext;
  tab: Page;
  email: string;
}

const BOTH = ['cookie', 'body'] as const;

/** The demo, in contexts of their own at once, against one server: most of the time they wait. */
describe.skipIf(!browserPath)('whoever has signed in', { timeout: 240_000 }, () => {
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

  /** Somebody in a browser of their own: it shares nothing with the others'. */
  async function somebody(delivery: string, work: (one: Somebody) => Promise<void>) {
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

  it.concurrent.each(BOTH)('clicks for two minutes while tokens expire, and sees no login form (%s)', (delivery) =>
    somebody(delivery, async ({ context, tab }) => {
      let forms = 0;
      await context.exposeFunction('sawLoginForm', () => (forms += 1));
      await context.addInitScript(tellOfLoginForm);
      const refreshes: number[] = [];
      const refusals: string[] = [];
      context.on('response', async (response) => {
        if (new URL(response.url()).pathname === '/auth/refresh') refreshes.push(response.status());
        if (response.status() >= 400) refusals.push(((await response.json()) as { code: string }).code);
      });
      await tab.reload();
      const other = await openDemo(context, origin);
      const deeds = [
        async () => expect(await whoAmI(tab)).toBe('200'),
        async () => expect(await whoAmI(other)).toBe('200'),
        () => tab.click('#look-again'),
        async () => expect(await whoAmI(tab)).toBe('200'),
        () => tab.reload().then(() => isSignedIn(tab)),
        () => other.click('#expire'),
        async () => expect(await Promise.all([whoAmI(tab), whoAmI(other)])).toEqual(['200', '200']),
      ];
      for (const end = Date.now() + CLICKING_MS; Date.now() < end;) {
        for (const deed of deeds) {
          await deed();
          await pause(1000);
        }
      }
      expect(forms).toBe(0);
      expect(new Set(refreshes)).toEqual(new Set([200]));
      expect(refreshes.length).toBeGreaterThan(CLICKING_MS / TOKEN_LIFE_MS / 2);
      // What a token is told that grew old on its way: the call goes out again.
      expect(refusals.filter((code) => code !== 'access_token_expired')).toEqual([]);
    }),
  );

  it.concurrent.each(BOTH)('keeps six tabs signed in that wake at once, with at most one rotation (%s)', (delivery) =>
    somebody(delivery, async ({ context, tab }) => {
      const more = await Promise.all(Array.from({ length: 5 }, () => openDemo(context, origin)));
      const tabs = [tab, ...more];
      await Promise.all(tabs.map(isSignedIn));
      const generations = () => Promise.all(tabs.map((one) => one.locator('#generation').innerText()));
      const newest = async () => Math.max(...(await generations()).map((text) => Number(/\d+/.exec(text)?.[0] ?? 0)));
      const before = await newest();
      await pause(UNTIL_ROTATION_MS);
      expect(await Promise.all(tabs.map(whoAmI))).toEqual(tabs.map(() => '200'));
      expect(await newest()).toBe(before + 1);
      const events = (await Promise.all(tabs.map(eventsOf))).flat();
      expect(events.filter((event) => /onChange: (?!signed_in)/.test(event))).toEqual([]);
    }),
  );

  it.concurrent.each(BOTH)('goes on when the response to a refresh is lost after the server sent it (%s)', (delivery) =>
    somebody(delivery, async ({ context, tab }) => {
      await pause(UNTIL_ROTATION_MS);
      const lost: number[] = [];
      await context.route('**/auth/refresh', async (route) => {
        if (lost.length === 2) return route.continue();
        // By other means than the browser's, which would keep the cookie of the response.
        lost.push(await send(route.request()));
        return route.abort('connectionreset');
      });
      expect(await whoAmI(tab)).toBe('200');
      expect(lost).toEqual([200, 200]);
      await pause(UNTIL_ROTATION_MS);
      expect(await whoAmI(tab)).toBe('200');
      expect((await eventsOf(tab)).filter((event) => event.includes('onChange'))).toEqual(['onChange: signed_in']);
    }),
  );

  it.concurrent.each(BOTH)(
    'is still signed in when the browser was killed and starts again with its profile (%s)',
    async (delivery) => {
      const own = await openBrowser();
      try {
        const { tab, email } = await signUpIn(own.context, delivery);
        await pause(UNTIL_ROTATION_MS);
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
    },
  );

  it.concurrent('is signed out in all tabs by signing out in one', () =>
    somebody('cookie', async ({ context, tab }) => {
      const other = await openDemo(context, origin);
      await isSignedIn(other);
      await tab.click('#log-out');
      for (const one of [tab, other]) {
        await one.locator('#signed-out').waitFor();
        expect((await eventsOf(one)).at(-1)).not.toContain('401');
      }
      expect(await other.locator('#notice').isVisible()).toBe(false);
    }),
  );

  it.concurrent.each(BOTH)(
    'is told when their token was copied and used, and the other device lives on (%s)',
    (delivery) =>
      somebody(delivery, async ({ context, tab, email }) => {
        const phone = await login(server.http, email);
        const stolen = await copyOfToken(tab, delivery);
        await pause(UNTIL_ROTATION_MS);
        await useElsewhere(stolen);
        // Past the leeway, in which it might have been another tab.
        await pause(8000);
        await tab.click('#who-am-i');
        await tab.locator('#signed-out').waitFor();
        expect(await tab.locator('#notice').innerText()).toContain('used in two places');
        expect((await eventsOf(tab)).join('\n')).toContain('reused');
        expect(await context.cookies()).toEqual([]);
        expect((await refresh(server.http, phone.refresh_token)).status).toBe(200);
      }),
  );

  it.concurrent.each(BOTH)('is offline for a while, and back (%s)', (delivery) =>
    somebody(delivery, async ({ context, tab }) => {
      await context.setOffline(true);
      await pause(2 * TOKEN_LIFE_MS);
      expect(await whoAmI(tab)).toContain('No response');
      await pause(TOKEN_LIFE_MS);
      expect(await whoAmI(tab)).toContain('No response');
      await context.setOffline(false);
      expect(await whoAmI(tab)).toBe('200');
      expect(await tab.locator('#signed-out').isVisible()).toBe(false);
    }),
  );

  it.concurrent.each([-2, 2])('has a device whose clock is %d h wrong', (hours) =>
    somebody('cookie', async ({ context, tab }) => {
      await context.addInitScript(setClock, hours * 3_600_000);
      await tab.reload();
      expect(Math.abs((await tab.evaluate<number>('Date.now()')) - Date.now())).toBeGreaterThan(7_000_000);
      for (let round = 0; round < 4; round += 1) {
        for (let call = 0; call < 4; call += 1) expect(await whoAmI(tab)).toBe('200');
        await pause(TOKEN_LIFE_MS);
      }
      // As on any other device: neither one for each call, nor only when the server has refused one.
      const events = await eventsOf(tab);
      expect(events.filter((event) => event.startsWith('POST /auth/refresh')).length).toBeLessThan(9);
      expect(events.filter((event) => event.includes('too old')).length).toBeLessThan(3);
      expect(await tab.locator('#countdown').innerText()).toMatch(/^0:0\d$|none/);
    }),
  );

  /** What the server responses when somebody else sends what the browser wanted to send. */
  async function send(request: Request): Promise<number> {
    const response = await fetch(request.url(), {
      method: request.method(),
      headers: await request.allHeaders(),
      body: request.postData()!,
    });
    await response.text();
    return response.status;
  }

  /** As any script of the page could read it. */
  const storedToken = (tab: Page) => tab.evaluate<string>(`localStorage.getItem('latchkey ${origin}/')`);

  interface Stolen {
    headers: Record<string, string>;
    json: Record<string, string>;
  }

  async function copyOfToken(tab: Page, delivery: string): Promise<Stolen> {
    if (delivery === 'body') return { headers: {}, json: { refresh_token: await storedToken(tab) } };
    const [cookie] = await tab.context().cookies();
    return { headers: { cookie: `${cookie!.name}=${cookie!.value}`, origin }, json: {} };
  }

  /** A thief who refreshes, and uses what he gets. */
  async function useElsewhere({ headers, json }: Stolen): Promise<void> {
    const { status, body } = await server.http.post<{ access_token: string }>('/auth/refresh', { headers, json });
    expect(status).toBe(200);
    expect((await server.http.get('/users/me', { token: body.access_token })).status).toBe(200);
  }
});

/** Chromium writes cookies after half a minute, and storage at most once a minute. */
function cookiesWritten(profile: string, since: number): Promise<void> {
  return happens(() => statSync(join(profile, 'Default/Cookies')).mtimeMs > since);
}

function storageWritten(profile: string, text: string): Promise<void> {
  const folder = join(profile, 'Default/Local Storage/leveldb');
  return happens(() => readdirSync(folder).some((name) => readFileSync(join(folder, name), 'latin1').includes(text)));
}

async function happens(what: () => boolean): Promise<void> {
  await expect.poll(what, { timeout: 130_000, interval: 500 }).toBe(true);
}

/** These run in the page, before its own scripts. */
function tellOfLoginForm(): void {
  const page = globalThis as any;
  const look = () => {
    if (page.document.getElementById('signed-out')?.hidden === false) page.sawLoginForm();
  };
  new page.MutationObserver(look).observe(page.document, { subtree: true, childList: true, attributes: true });
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
