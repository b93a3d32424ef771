import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openBrowser, sessionCookies } from '../support/browser/browser.js';
import { Browser } from '../support/http/cookie-jar.js';
import { freePort } from '../support/programs/free-port.js';
import { PASSWORD, someEmail } from '../support/app/users.js';
import { servePage } from '../support/browser/web-page.js';

describe.runIf(browserPath)('cookie delivery, in a browser', () => {
  let test: TestApp;
  let api: string;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let spa: Awaited<ReturnType<typeof servePage>>;
  let sibling: typeof spa;
  let stranger: typeof spa;
  beforeAll(async () => {
    const port = await freePort();
    api = `http://localhost:${port}`;
    [spa, sibling, stranger] = await Promise.all([
      servePage('localhost'),
      servePage('localhost'),
      servePage('127.0.0.1'),
    ]);
    test = await createTestApp({ port, env: { ISSUER: api, CORS_ORIGINS: spa.origin } });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
    await Promise.all([spa.close(), sibling.close(), stranger.close()]);
  });

  async function open(origin: string): Promise<Page> {
    const page = await browser.context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(origin);
    return page;
  }

  /** A request by the page's own script. `blocked`: the browser does not let it read the response. */
  const ask = (page: Page, path: string, json: object, token?: string) =>
    page.evaluate(
      async ([url, body, bearer]) => {
        const authorization = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
        const headers = { 'Content-Type': 'application/json', ...authorization };
        try {
          const response = await fetch(url, { method: 'POST', credentials: 'include', headers, body });
          const text = await response.text();
          return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
        } catch {
          return { status: 'blocked', body: {} };
        }
      },
      [api + path, JSON.stringify(json), token] as const,
    );
  const signIn = (page: Page) =>
    ask(page, '/auth/register', { email: someEmail(), password: PASSWORD, delivery: 'cookie' });
  const scripts = (page: Page) => page.evaluate<string>('document.cookie');
  const cookies = async () => (await sessionCookies(browser.context, api)).map(({ name }) => name);

  it('stays signed in over a reload and a new tab, and hides the cookie from scripts', async () => {
    const page = await open(spa.origin);
    const { status, body } = await signIn(page);
    expect([status, body.refresh_token]).toEqual([201, undefined]);
    expect(await cookies()).toEqual([`latchkey-${body.session_id.slice(-12)}`]);
    expect(await scripts(page)).toBe('');
    await page.reload();
    expect((await ask(page, '/auth/refresh', {})).body.session_id).toBe(body.session_id);
    await page.close();
    const again = await open(spa.origin);
    const refreshed = await ask(again, '/auth/refresh', { session_id: body.session_id });
    expect(refreshed.body.session_id).toBe(body.session_id);
    expect((await ask(again, '/auth/logout', {}, refreshed.body.access_token)).status).toBe(204);
    expect(await cookies()).toEqual([]);
    await again.close();
  });

  it('prevents CSRF: other pages can neither refresh nor sign out', async () => {
    const page = await open(spa.origin);
    const { body } = await signIn(page);
    for (const { origin } of [sibling, stranger]) {
      const other = await open(origin);
      expect((await ask(other, '/auth/refresh', {})).status).toBe('blocked');
      expect((await ask(other, '/auth/logout', {})).status).toBe('blocked');
      for (const [path, type] of [
        ['/auth/refresh', 'application/x-www-form-urlencoded'],
        ['/auth/logout', 'text/plain'],
        ['/auth/logout', 'application/x-www-form-urlencoded'],
      ]) {
        // The same requests as those of a form, without a navigation.
        await other.evaluate(
          async ([url, contentType, body]) => {
            const headers = { 'Content-Type': contentType };
            const form = { method: 'POST', mode: 'no-cors', credentials: 'include', headers, body } as const;
            await fetch(url, form).catch(() => {});
          },
          [api + path!, type!, path === '/auth/refresh' ? '' : 'a=b'] as const,
        );
      }
      await other.close();
    }
    // A same-site page sends the cookie and is refused, a cross-site page does not send it. All requests have arrived.
    const { body: metrics } = await test.http.get<string>('/metrics');
    const counted = [...metrics.matchAll(/_seconds_count\{method="POST",route="(\S+?)",status="(\d+)"\} (\d+)/g)];
    const refusals = counted.filter(([, , status]) => Number(status) >= 400).map(([, ...rest]) => rest.join(' '));
    expect(refusals.sort()).toEqual(['/auth/logout 415 4', '/auth/refresh 401 1', '/auth/refresh 403 1']);
    const still = await ask(page, '/auth/refresh', {});
    expect([still.status, still.body.session_id]).toEqual([200, body.session_id]);
    await page.close();
  });

  it('prevents login CSRF: a form of another page signs nobody in', async () => {
    const page = await open(spa.origin);
    const { body } = await signIn(page);
    const attacker = new Browser(test.http, { origin: api });
    const his = await attacker.register(someEmail());
    await test.http.get('/auth/whoami', { token: his.body.access_token });
    await test.flush();
    test.clock.move('121s');
    const other = await open(stranger.origin);
    await Promise.all([
      other.waitForURL(/auth\/refresh/),
      other.setContent(
        `<form method="post" action="${api}/auth/refresh"><input name="refresh_token" value="${[...attacker.cookies.values()][0]}"></form><script>document.forms[0].submit()</script>`,
      ),
    ]);
    expect((await ask(page, '/auth/refresh', {})).body.session_id).toBe(body.session_id);
    await other.close();
    await page.close();
  });
});
