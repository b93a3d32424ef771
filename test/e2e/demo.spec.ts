import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.js';
import { browserPath, openSharedBrowser } from '../support/browser.js';
import { eventsOf, isSignedIn, openDemo, signUp, whoAmI } from '../support/demo-page.js';
import { freePort } from '../support/free-port.js';
import { login, PASSWORD, register, someEmail } from '../support/people.js';

const PATHS = ['/demo', '/demo/', '/demo/index.html', '/demo/index.js', '/demo/index.css'];
const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };

describe('the demo', () => {
  it.each<[string, Record<string, string>]>([
    ['in production', PRODUCTION],
    ['in production with SWAGGER=on', { ...PRODUCTION, SWAGGER: 'on' }],
  ])('is not there %s', async (_, env) => {
    const test = await createTestApp({ env });
    const responses = await Promise.all(PATHS.map((path) => test.http.get(path)));
    await test.close();
    expect(responses.map(({ status, body }) => `${status} ${body.code}`)).toEqual(PATHS.map(() => '404 not_found'));
  });

  describe('elsewhere', () => {
    let test: TestApp;
    beforeAll(async () => {
      test = await createTestApp();
    });
    afterAll(() => test.close());

    it('is there, and nothing else of the project is', async () => {
      const found = await Promise.all(PATHS.map((path) => test.http.get(path)));
      expect(found.map(({ status }) => status)).toEqual(PATHS.map(() => 200));
      const none = ['/demo/src/main.ts', '/demo/vite.config.ts', '/demo/../package.json', '/demo/%2e%2e/package.json'];
      const responses = await Promise.all(none.map((path) => test.http.get(path)));
      expect(responses.map(({ status }) => status)).toEqual(none.map(() => 404));
    });

    it('may run its own files and speak to its own server, and nothing else', async () => {
      const policy = (await test.http.get('/demo')).headers.get('content-security-policy')!;
      expect(policy.split(';').sort()).toEqual(
        [
          "base-uri 'none'",
          "connect-src 'self'",
          "default-src 'none'",
          "form-action 'none'",
          "frame-ancestors 'none'",
          'img-src data:',
          "require-trusted-types-for 'script'",
          "script-src 'self'",
          "style-src 'self'",
        ].sort(),
      );
    });
  });
});

describe.skipIf(!browserPath)('the demo, in a browser', () => {
  let test: TestApp;
  let browser: Browser;
  let origin: string;
  let context: BrowserContext;
  let complaints: string[];
  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    test = await createTestApp({ port, env: { ISSUER: origin } });
    browser = await openSharedBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
  });
  beforeEach(async () => {
    complaints = [];
    context = await newContext();
  });
  afterEach(() => context.close());

  async function newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const made = await browser.newContext(options);
    made.on('weberror', (error) => complaints.push(String(error.error())));
    // A refused sign-in is a line in every browser's console.
    made.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('the server responded'))
        complaints.push(message.text());
    });
    return made;
  }

  async function signedIn() {
    const page = await openDemo(context, origin);
    const email = someEmail();
    await signUp(page, email);
    return { page, email };
  }

  /** What axe-core finds, down to what is merely annoying. */
  async function barriers(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate<{
      violations: { id: string; impact: string; nodes: { html: string }[] }[];
    }>('axe.run()');
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(', ')}`);
  }

  it.each([
    ['light, wide', { viewport: { width: 1200, height: 900 } }],
    ['dark, wide', { viewport: { width: 1200, height: 900 }, colorScheme: 'dark' as const }],
    ['light, on a phone', { viewport: { width: 320, height: 640 }, hasTouch: true }],
    ['dark, on a phone', { viewport: { width: 320, height: 640 }, hasTouch: true, colorScheme: 'dark' as const }],
  ])('puts no barrier in anybody’s way, and scrolls in one direction: %s', async (_, options) => {
    await context.close();
    context = await newContext(options);
    const page = await openDemo(context, origin);
    const isTooWide = () => page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    await page.fill('#email', 'nobody');
    await page.click('button[value=register]');
    await page.locator('#email-error', { hasText: /\S/ }).waitFor();
    expect([await barriers(page), await isTooWide()]).toEqual([[], false]);
    await signUp(page, `somebody-with-a-long-name-${someEmail()}`);
    await login(test.http, await register(test.http).then(({ email }) => email));
    expect(await whoAmI(page)).toBe('200');
    await page.click('#lose-response');
    expect([await barriers(page), await isTooWide()]).toEqual([[], false]);
    expect(complaints).toEqual([]);
  });

  it('can be used by keyboard alone', async () => {
    const { email } = await register(test.http);
    const page = await openDemo(context, origin);
    await page.focus('#email');
    await page.keyboard.type(email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await isSignedIn(page);
    await page.focus('#who-am-i');
    await page.keyboard.press('Enter');
    await page.locator('#response', { hasText: '200' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.locator('#signed-out').waitFor();
    expect(await eventsOf(page)).toContain('onChange: signed_out');
  });

  it('masks passwords, lets managers fill them in, and shows them to those who ask', async () => {
    const page = await openDemo(context, origin);
    const password = page.locator('#password');
    expect(await password.getAttribute('type')).toBe('password');
    expect(await password.getAttribute('autocomplete')).toBe('current-password');
    expect(await page.locator('#email').getAttribute('autocomplete')).toBe('username');
    await page.check('#show-password');
    expect(await password.getAttribute('type')).toBe('text');
  });

  it('says in the server’s words what is wrong with a field, and goes there', async () => {
    const page = await openDemo(context, origin);
    await page.fill('#email', someEmail());
    await page.fill('#password', 'short');
    await page.click('button[value=register]');
    await page.locator('#password-error', { hasText: '15' }).waitFor();
    expect(await page.locator('#password').getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('document.activeElement.id')).toBe('password');
    await page.fill('#password', 'of nobody at all');
    await page.click('button[value=login]');
    await page.locator('#notice', { hasText: 'wrong' }).waitFor();
    expect(await page.locator('#password-error').innerText()).toBe('');
  });

  it('lists devices, and ends one or all others', async () => {
    const { page, email } = await signedIn();
    const [phone, laptop] = [await login(test.http, email), await login(test.http, email)];
    await page.click('#look-again');
    const devices = page.locator('#devices li');
    await expect.poll(() => devices.count()).toBe(3);
    expect(await devices.filter({ hasText: 'this one' }).count()).toBe(1);
    await devices.filter({ hasNotText: 'this one' }).first().getByRole('button').click();
    await expect.poll(() => devices.count()).toBe(2);
    await page.click('#end-others');
    await expect.poll(() => devices.count()).toBe(1);
    for (const { access_token } of [phone, laptop]) {
      expect((await test.http.get('/auth/whoami', { token: access_token })).status).toBe(401);
    }
    await devices.getByRole('button').click();
    await page.locator('#signed-out').waitFor();
  });

  it('shows what the client does about a token that expired, a response that was lost, and no network', async () => {
    const { page } = await signedIn();
    const newest = async (count: number) => (await eventsOf(page)).slice(-count);
    expect(await page.locator('#countdown').innerText()).toMatch(/^1[45]:\d\d$/);
    await page.click('#expire');
    await page.locator('#countdown', { hasText: 'none' }).waitFor();
    expect(await whoAmI(page)).toBe('200');
    const token = expect.stringMatching(/^New access token: generation \d+, good for \d+ s$/);
    expect(await newest(3)).toEqual(['POST /auth/refresh: 200', token, 'GET /auth/whoami: 200']);

    await page.click('#expire');
    await page.click('#lose-response');
    expect(await whoAmI(page)).toBe('200');
    expect(await newest(5)).toEqual([
      'POST /auth/refresh: the server responded, and the response was dropped',
      expect.stringMatching(/^The refresh failed \(response dropped\): still signed in, no other try before \d\.\d s$/),
      'POST /auth/refresh: 200',
      token,
      'GET /auth/whoami: 200',
    ]);

    await page.click('#offline');
    await page.click('#expire');
    expect(await whoAmI(page)).toContain('No response: offline. You are still signed in.');
    await page.click('#log-out');
    await page.locator('#notice', { hasText: 'could not be told' }).waitFor();
    await page.click('#offline');
    await signUp(page, someEmail());
    expect(complaints).toEqual([]);
  });

  it('says that a session was used in two places, whichever request finds out', async () => {
    const { page } = await signedIn();
    const [{ name, value }] = (await context.cookies()) as unknown as [{ name: string; value: string }];
    const copy = { headers: { cookie: `${name}=${value}`, origin }, json: {} };
    await test.flush();
    test.clock.move('121s');
    const thief = await test.http.post<{ access_token: string }>('/auth/refresh', copy);
    await test.http.get('/users/me', { token: thief.body.access_token });
    await test.flush();
    test.clock.move('61s');
    expect((await test.http.post<{ code: string }>('/auth/refresh', copy)).body.code).toBe('refresh_token_reused');
    // Its access token had some time to live.
    await page.click('#who-am-i');
    await page.locator('#notice', { hasText: 'used in two places' }).waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  it('shows nothing of one person to another, however late it comes', async () => {
    const { page: tab, email } = await signedIn();
    const other = await openDemo(context, origin);
    const held: (() => void)[] = [];
    await tab.route(/users\/me|\/sessions$|whoami/, async (route) => {
      const response = await route.fetch();
      await new Promise<void>((resolve) => void held.push(resolve));
      await route.fulfill({ response });
    });
    await tab.reload();
    await tab.click('#who-am-i');
    await expect.poll(() => held.length).toBe(3);
    await other.click('#log-out');
    const second = someEmail();
    await signUp(other, second);
    await tab.locator('#signed-in').waitFor();
    await expect.poll(() => held.length).toBe(5);
    for (const response of held) response();
    await tab.locator('#who', { hasText: second }).waitFor();
    expect(await tab.locator('body').innerText()).not.toContain(email);
    expect(await tab.locator('#response').isVisible()).toBe(false);
  });

  it('has one delivery in all tabs', async () => {
    const [tab, other] = [await openDemo(context, origin), await openDemo(context, origin)];
    await other.locator('input[value=body]').check();
    await expect
      .poll(() =>
        tab
          .locator('input[value=body]')
          .isChecked()
          .catch(() => false),
      )
      .toBe(true);
    await signUp(tab, someEmail());
    await isSignedIn(other);
  });

  it('takes the focus to what is new', async () => {
    const { page } = await signedIn();
    const focused = () => page.evaluate('document.activeElement.id');
    expect(await focused()).toBe('account-title');
    await page.click('#log-out');
    await page.locator('#signed-out').waitFor();
    expect(await focused()).toBe('sign-in-title');
  });

  it('shows that one tab refreshed for the other', async () => {
    const { page } = await signedIn();
    const other = await openDemo(context, origin);
    await isSignedIn(other);
    await Promise.all([page.click('#expire'), other.click('#expire')]);
    expect(await Promise.all([whoAmI(page), whoAmI(other)])).toEqual(['200', '200']);
    const told = [...(await eventsOf(page)), ...(await eventsOf(other))].join('\n');
    expect(told).toContain('Another tab handed over its new token');
  });

  it('works at another address than ISSUER too, without cookies, and says why', async () => {
    const page = await openDemo(context, test.http.url);
    expect(await page.locator('input[value=cookie]').isDisabled()).toBe(true);
    expect(await page.locator('#delivery-hint').innerText()).toContain(origin);
    await signUp(page, someEmail());
    await page.reload();
    await isSignedIn(page);
    expect(await context.cookies()).toEqual([]);
  });
});

const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
