import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client, SessionChange } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openBrowser } from '../support/browser/browser.js';
import { clientPage } from '../support/browser/client-page.js';
import { login, PASSWORD, someEmail } from '../support/app/users.js';

/** Browsers accept cookies without https only on localhost. */
const onLocalhost = (address: string) => address.replace('127.0.0.1', 'localhost');
const PATIENCE = { timeout: 5_000, interval: 20 };

/** The globals of the page. The functions that use them run in the browser. */
declare const window: {
  latchkey: typeof import('../../client/src/index.js');
  auth: Client;
  changes: SessionChange[];
  document: EventTarget;
  dispatchEvent: EventTarget['dispatchEvent'];
};

/** The client with a browser's locks, channel and storage. The database makes no difference here. */
describe.skipIf(!browserPath).each(['body', 'cookie'] as const)(
  'the client in the tabs of a browser, in %s delivery',
  (delivery) => {
    let test: TestApp;
    let site: Awaited<ReturnType<typeof clientPage>>;
    let browser: Awaited<ReturnType<typeof openBrowser>>;
    let context: BrowserContext;
    let refreshes = 0;
    beforeAll(async () => {
      site = await clientPage();
      test = await createTestApp({ env: { CORS_ORIGINS: onLocalhost(site.origin) } });
      browser = await openBrowser();
      context = browser.context;
      context.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/auth/refresh')) refreshes += 1;
      });
    });
    afterAll(async () => {
      await browser.close();
      await test.close();
      site.close();
    });

    let email: string;
    let tab: Page;
    beforeEach(async () => {
      email = someEmail();
      tab = await openTab();
      await tab.evaluate((account) => window.auth.register(account), { email, password: PASSWORD });
      refreshes = 0;
    });
    afterEach(async () => {
      await tab.evaluate(() => window.auth.logout());
      await Promise.all(
        context
          .pages()
          .slice(1)
          .map((page) => page.close()),
      );
    });

    async function openTab(): Promise<Page> {
      const page = await context.newPage();
      await page.goto(onLocalhost(site.origin));
      await startClient(page);
      return page;
    }
    const startClient = (page: Page) =>
      page.evaluate(
        (options) => {
          const { createClient, localStorageStore } = window.latchkey;
          window.auth = createClient({ ...options, store: localStorageStore() });
          window.changes = [];
          window.auth.onChange((change) => window.changes.push(change));
          return window.auth.session();
        },
        { baseUrl: onLocalhost(test.http.url), delivery },
      );
    /** The status, or the name of the error. */
    const callOf = (page: Page) =>
      page.evaluate(() =>
        window.auth.fetch('/users/me').then(
          ({ status }) => status,
          ({ name }: Error) => name,
        ),
      );
    const changesOf = (page: Page) => page.evaluate(() => window.changes);

    it('stays signed in over a reload', async () => {
      await tab.reload();
      expect(await startClient(tab)).toEqual(await tab.evaluate(() => window.auth.session()));
      expect(await callOf(tab)).toBe(200);
    });

    it('shares refreshes between eight tabs that resume at once', async () => {
      const tabs = [tab, ...(await Promise.all(Array.from({ length: 7 }, openTab)))];
      await Promise.all(tabs.map((one) => callOf(one)));
      for (let round = 0; round < 3; round += 1) {
        await test.flush();
        test.clock.move('20m');
        expect(await Promise.all(tabs.map((one) => callOf(one)))).toEqual(tabs.map(() => 200));
      }
      // Of 24 calls. By default one refresh a round, but the lock may be faster than the channel.
      expect(refreshes).toBeLessThan(12);
      expect((await Promise.all(tabs.map(changesOf))).flat().map(({ type }) => type)).toEqual(['signed_in']);
    });

    it('signs out in all tabs at once', async () => {
      const other = await openTab();
      await tab.evaluate(() => window.auth.logout());
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([{ session: null, type: 'signed_out' }]);
      // What is left, in body delivery, is the device token.
      const left = await tab.evaluate<string[]>('Object.keys(localStorage)');
      expect(left).toHaveLength(delivery === 'body' ? 1 : 0);
      expect(left).not.toContain(`latchkey ${onLocalhost(test.http.url)}/`);
    });

    it('reports another user in the other tabs', async () => {
      const other = await openTab();
      const account = { email: someEmail(), password: PASSWORD };
      await test.http.post('/auth/register', { json: account });
      const session = await tab.evaluate((who) => window.auth.login(who), account);
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([{ session, type: 'user_changed' }]);
      expect(await callOf(other)).toBe(200);
      // The message may arrive before the storage event. Then its token belongs to an unknown session.
      expect(refreshes).toBeLessThan(2);
    });

    it('reports in all tabs why a session was revoked elsewhere', async () => {
      const other = await openTab();
      await test.http.delete('/sessions?except=current', { token: (await login(test.http, email)).access_token });
      expect(await callOf(tab)).toBe(401);
      const ended = { session: null, type: 'ended', code: 'session_revoked', reason: 'ended_by_user' };
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([ended]);
      expect((await changesOf(tab)).at(-1)).toEqual(ended);
    });

    // The delivery makes no difference here.
    it.runIf(delivery === 'body').each(['online', 'visibilitychange'])(
      'retries at once after the event %s',
      async (event) => {
        test.clock.move('20m');
        await context.route('**/auth/refresh', (route) => route.abort());
        // The refresh fails until the back-off is so long that calls reject at once.
        expect(await callOf(tab)).toBe(401);
        await context.unroute('**/auth/refresh');
        refreshes = 0;
        expect([await callOf(tab), refreshes]).toEqual(['TypeError', 0]);
        await tab.evaluate(
          (type) => (type === 'online' ? window : window.document).dispatchEvent(new Event(type)),
          event,
        );
        expect(await callOf(tab)).toBe(200);
      },
    );

    it('keeps the session while the network is down', async () => {
      test.clock.move('20m');
      await context.setOffline(true);
      expect(await callOf(tab)).toBe('TypeError');
      await context.setOffline(false);
      expect(await callOf(tab)).toBe(200);
      expect((await changesOf(tab)).map(({ type }) => type)).toEqual(['signed_in']);
    });
  },
);
