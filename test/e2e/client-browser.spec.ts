import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client, SessionChange } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { browserPath, openBrowser } from '../support/browser.js';
import { clientPage } from '../support/client-page.js';
import { login, PASSWORD, someEmail } from '../support/people.js';

/** Where a browser lets cookies without https be, as the server does. */
const onLocalhost = (address: string) => address.replace('127.0.0.1', 'localhost');
const PATIENCE = { timeout: 5_000, interval: 20 };

/** What the page has; these functions run in the browser. */
declare const window: {
  latchkey: typeof import('../../client/src/index.js');
  auth: Client;
  changes: SessionChange[];
  document: EventTarget;
  dispatchEvent: EventTarget['dispatchEvent'];
};

/** The client in a browser: its locks, its channel, its storage. The server's part is the same on either database. */
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
      await begin(page);
      return page;
    }
    const begin = (page: Page) =>
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
      expect(await begin(tab)).toEqual(await tab.evaluate(() => window.auth.session()));
      expect(await callOf(tab)).toBe(200);
    });

    it('refreshes for eight tabs that wake at once, and not for each of them', async () => {
      const tabs = [tab, ...(await Promise.all(Array.from({ length: 7 }, openTab)))];
      await Promise.all(tabs.map((one) => callOf(one)));
      for (let round = 0; round < 3; round += 1) {
        await test.flush();
        test.clock.move('20m');
        expect(await Promise.all(tabs.map((one) => callOf(one)))).toEqual(tabs.map(() => 200));
      }
      // Of 24. One each, as a rule; but the lock may be quicker than the channel.
      expect(refreshes).toBeLessThan(12);
      expect((await Promise.all(tabs.map(changesOf))).flat().map(({ type }) => type)).toEqual(['signed_in']);
    });

    it('signs out in all tabs at once', async () => {
      const other = await openTab();
      await tab.evaluate(() => window.auth.logout());
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([{ session: null, type: 'signed_out' }]);
      expect(await tab.evaluate(() => JSON.stringify(Object.entries((window as any).localStorage)))).toBe('[]');
    });

    it('tells the other tabs when somebody else signs in', async () => {
      const other = await openTab();
      const account = { email: someEmail(), password: PASSWORD };
      await test.http.post('/auth/register', { json: account });
      const session = await tab.evaluate((who) => window.auth.login(who), account);
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([{ session, type: 'user_changed' }]);
      expect(await callOf(other)).toBe(200);
      // The channel may be quicker than storage; then the token it brought is of nobody known here.
      expect(refreshes).toBeLessThan(2);
    });

    it('tells all tabs why a session was ended elsewhere', async () => {
      const other = await openTab();
      await test.http.delete('/sessions?except=current', { token: (await login(test.http, email)).access_token });
      expect(await callOf(tab)).toBe(401);
      const ended = { session: null, type: 'ended', code: 'session_revoked', reason: 'ended_by_user' };
      await expect.poll(() => changesOf(other), PATIENCE).toEqual([ended]);
      expect((await changesOf(tab)).at(-1)).toEqual(ended);
    });

    // In either delivery the same.
    it.runIf(delivery === 'body').each(['online', 'visibilitychange'])(
      'waits no longer for its next attempt at %s',
      async (event) => {
        test.clock.move('20m');
        await context.route('**/auth/refresh', (route) => route.abort());
        // In vain, until the next attempt is so far away that calls are told at once.
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

    it('keeps the session without a network, and goes on with it', async () => {
      test.clock.move('20m');
      await context.setOffline(true);
      expect(await callOf(tab)).toBe('TypeError');
      await context.setOffline(false);
      expect(await callOf(tab)).toBe(200);
      expect((await changesOf(tab)).map(({ type }) => type)).toEqual(['signed_in']);
    });
  },
);
