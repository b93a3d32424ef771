import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { violationsOf } from '../support/browser/axe.js';
import { browserPath, openSharedBrowser, sessionCookies } from '../support/browser/browser.js';
import { chooseRegistration, eventsOf, isSignedIn, openDemo, signUp, whoAmI } from '../support/browser/demo-page.js';
import { freePort } from '../support/programs/free-port.js';
import { login, PASSWORD, register, someEmail } from '../support/app/users.js';

const PATHS = ['/demo', '/demo/', '/demo/index.html', '/demo/index.js', '/demo/index.css'];
const PRODUCTION = { NODE_ENV: 'production', BCRYPT_COST: '10', ISSUER: 'https://auth.example.com' };

describe('the demo', () => {
  it.each<[string, Record<string, string>]>([
    ['production', PRODUCTION],
    ['production with SWAGGER=on', { ...PRODUCTION, SWAGGER: 'on' }],
  ])('is not served in %s', async (_, env) => {
    const test = await createTestApp({ env });
    const responses = await Promise.all(PATHS.map((path) => test.http.get(path)));
    await test.close();
    expect(responses.map(({ status, body }) => `${status} ${body.code}`)).toEqual(PATHS.map(() => '404 not_found'));
  });

  describe('outside production', () => {
    let test: TestApp;
    beforeAll(async () => {
      test = await createTestApp();
    });
    afterAll(() => test.close());

    it('is served, and no other file of the project', async () => {
      const found = await Promise.all(PATHS.map((path) => test.http.get(path)));
      expect(found.map(({ status }) => status)).toEqual(PATHS.map(() => 200));
      const none = ['/demo/src/main.ts', '/demo/vite.config.ts', '/demo/../package.json', '/demo/%2e%2e/package.json'];
      const responses = await Promise.all(none.map((path) => test.http.get(path)));
      expect(responses.map(({ status }) => status)).toEqual(none.map(() => 404));
    });

    it('has a Content-Security-Policy that allows only its own files and server', async () => {
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
  let consoleErrors: string[];
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
    consoleErrors = [];
    context = await newContext();
  });
  afterEach(() => context.close());

  async function newContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const made = await browser.newContext(options);
    made.on('weberror', (error) => consoleErrors.push(String(error.error())));
    // Browsers log every error response.
    made.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('the server responded'))
        consoleErrors.push(message.text());
    });
    return made;
  }

  async function signedIn() {
    const page = await openDemo(context, origin);
    const email = someEmail();
    await signUp(page, email);
    return { page, email };
  }

  it.each([
    ['light, wide', { viewport: { width: 1200, height: 900 } }],
    ['dark, wide', { viewport: { width: 1200, height: 900 }, colorScheme: 'dark' as const }],
    ['light, on a phone', { viewport: { width: 320, height: 640 }, hasTouch: true }],
    ['dark, on a phone', { viewport: { width: 320, height: 640 }, hasTouch: true, colorScheme: 'dark' as const }],
  ])('passes axe-core and does not scroll sideways: %s', async (_, options) => {
    await context.close();
    context = await newContext(options);
    const page = await openDemo(context, origin);
    const isTooWide = () => page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    await chooseRegistration(page);
    await page.fill('#email', 'nobody');
    await page.fill('#password', 'short');
    await page.click('#submit');
    await page.locator('#email-error', { hasText: /\S/ }).waitFor();
    expect([await violationsOf(page), await isTooWide()]).toEqual([[], false]);
    await signUp(page, `somebody-with-a-long-name-${someEmail()}`);
    await login(test.http, await register(test.http).then(({ email }) => email));
    expect(await whoAmI(page)).toBe('200');
    await page.click('#drop-response');
    expect([await violationsOf(page), await isTooWide()]).toEqual([[], false]);
    expect(consoleErrors).toEqual([]);
  });

  it('can be used with only the keyboard', async () => {
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

  it('masks the password, and shows it on request', async () => {
    const page = await openDemo(context, origin);
    const password = page.locator('#password');
    expect(await password.getAttribute('type')).toBe('password');
    await page.check('#show-password');
    expect(await password.getAttribute('type')).toBe('text');
  });

  it.each([
    ['sign-in', 'current-password', false],
    ['registration', 'new-password', true],
  ])('tells password managers what %s needs, and shows the rule for new passwords', async (mode, kind, isNew) => {
    const page = await openDemo(context, origin);
    if (mode === 'registration') await chooseRegistration(page);
    const password = page.locator('#password');
    expect(await password.getAttribute('autocomplete')).toBe(kind);
    expect(await page.locator('#email').getAttribute('autocomplete')).toBe('username');
    const described = isNew ? 'password-rule password-error' : 'password-error';
    expect(await password.getAttribute('aria-describedby')).toBe(described);
    const rule = page.locator('#password-rule', { hasText: 'At least 15 characters, and hard to guess.' });
    expect(await rule.isVisible()).toBe(isNew);
  });

  it('keeps the typed text when the mode or the delivery is switched', async () => {
    const page = await openDemo(context, origin);
    const email = someEmail();
    await page.fill('#email', email);
    await page.fill('#password', PASSWORD);
    await page.locator('input[value=body]').check();
    await chooseRegistration(page);
    expect(await page.inputValue('#email')).toBe(email);
    expect(await page.inputValue('#password')).toBe(PASSWORD);
    await page.click('#submit');
    await isSignedIn(page);
    expect(await context.cookies()).toEqual([]);
    await page.reload();
    await isSignedIn(page);
  });

  it('asks for a missing e-mail address and password without a request', async () => {
    const page = await openDemo(context, origin);
    for (const mode of ['sign-in', 'registration']) {
      if (mode === 'registration') await chooseRegistration(page);
      await page.click('#submit');
      expect(await page.locator('#email-error').innerText()).toBe('E-mail address is required.');
      expect(await page.locator('#password-error').innerText()).toBe('Password is required.');
      expect(await page.evaluate('document.activeElement.id')).toBe('email');
    }
    expect(await eventsOf(page)).toEqual([]);
  });

  it('logs the rotation of the refresh token, with its generation', async () => {
    const { page } = await signedIn();
    const rotations = async () => (await eventsOf(page)).filter((event) => event.startsWith('Refresh token rotated'));
    await page.click('#expire');
    expect(await whoAmI(page)).toBe('200');
    expect(await rotations()).toEqual([]);
    await test.flush();
    test.clock.move('121s');
    await page.click('#expire');
    expect(await whoAmI(page)).toBe('200');
    expect(await rotations()).toEqual(['Refresh token rotated (generation 2)']);
  });

  it('shows the server’s message at the invalid field, and moves the focus there', async () => {
    const page = await openDemo(context, origin);
    await chooseRegistration(page);
    await page.fill('#email', someEmail());
    await page.fill('#password', 'short');
    await page.click('#submit');
    await page.locator('#password-error', { hasText: '15' }).waitFor();
    expect(await page.locator('#password').getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('document.activeElement.id')).toBe('password');
    await page.click('#switch-mode');
    await page.fill('#password', 'a wrong password');
    await page.click('#submit');
    await page.locator('#notice', { hasText: 'E-mail address or password is wrong.' }).waitFor();
    expect(await page.locator('#password-error').innerText()).toBe('');
  });

  it('lists the devices, and signs out one or all others', async () => {
    const { page, email } = await signedIn();
    const [phone, laptop] = [await login(test.http, email), await login(test.http, email)];
    await page.click('#refresh-list');
    const devices = page.locator('#devices li');
    await expect.poll(() => devices.count()).toBe(3);
    expect(await devices.filter({ hasText: 'this one' }).count()).toBe(1);
    await devices.filter({ hasNotText: 'this one' }).first().getByRole('button').click();
    await expect.poll(() => devices.count()).toBe(2);
    await page.click('#sign-out-others');
    await expect.poll(() => devices.count()).toBe(1);
    for (const { access_token } of [phone, laptop]) {
      expect((await test.http.get('/auth/whoami', { token: access_token })).status).toBe(401);
    }
    await devices.getByRole('button').click();
    await page.locator('#signed-out').waitFor();
  });

  it('logs how the client handles an expired token, a lost response, and no network', async () => {
    const { page } = await signedIn();
    const newest = async (count: number) => (await eventsOf(page)).slice(-count);
    expect(await page.locator('#countdown').innerText()).toMatch(/^1[45]:\d\d$/);
    await page.click('#expire');
    await page.locator('#countdown', { hasText: 'No valid token' }).waitFor();
    expect(await whoAmI(page)).toBe('200');
    const token = expect.stringMatching(/^New access token: valid for \d+ s, generation \d+$/);
    expect(await newest(3)).toEqual(['POST /auth/refresh: 200', token, 'GET /auth/whoami: 200']);

    await page.click('#expire');
    await page.click('#drop-response');
    expect(await whoAmI(page)).toBe('200');
    expect(await newest(5)).toEqual([
      'POST /auth/refresh: the server responded, and the response was dropped',
      expect.stringMatching(
        /^The refresh failed \(response dropped\): still signed in, next attempt in \d\.\d s at the earliest$/,
      ),
      'POST /auth/refresh: 200',
      token,
      'GET /auth/whoami: 200',
    ]);

    await page.click('#offline');
    expect(await page.locator('#network').innerText()).toBe('Offline: no request leaves this page.');
    expect(await page.locator('#offline').innerText()).toBe('Go online');
    await page.click('#expire');
    expect(await whoAmI(page)).toContain('No response: offline. You are still signed in.');
    await page.click('#sign-out');
    await page.locator('#notice', { hasText: 'the server was not reached' }).waitFor();
    await page.click('#offline');
    expect(await page.locator('#network').innerText()).toBe('Online.');
    await signUp(page, someEmail());
    expect(consoleErrors).toEqual([]);
  });

  it('says that a token was used in two places, whichever request detects the reuse', async () => {
    const { page } = await signedIn();
    const [{ name, value }] = (await sessionCookies(context)) as unknown as [{ name: string; value: string }];
    const copy = { headers: { cookie: `${name}=${value}`, origin }, json: {} };
    await test.flush();
    test.clock.move('121s');
    const thief = await test.http.post<{ access_token: string }>('/auth/refresh', copy);
    await test.http.get('/users/me', { token: thief.body.access_token });
    await test.flush();
    test.clock.move('61s');
    expect((await test.http.post<{ code: string }>('/auth/refresh', copy)).body.code).toBe('refresh_token_reused');
    // The access token of the page is still valid, so a guard detects the revocation.
    await page.click('#who-am-i');
    await page.locator('#notice', { hasText: 'used in two places' }).waitFor();
    expect(await sessionCookies(context)).toEqual([]);
  });

  it('shows no late response of one user to another user', async () => {
    const { page: tab, email } = await signedIn();
    const other = await openDemo(context, origin);
    const pending: (() => void)[] = [];
    await tab.route(/users\/me|\/sessions$|whoami/, async (route) => {
      const response = await route.fetch();
      await new Promise<void>((resolve) => void pending.push(resolve));
      await route.fulfill({ response });
    });
    await tab.reload();
    await tab.click('#who-am-i');
    await expect.poll(() => pending.length).toBe(4);
    await other.click('#sign-out');
    const second = someEmail();
    await signUp(other, second);
    await tab.locator('#signed-in').waitFor();
    await expect.poll(() => pending.length).toBe(7);
    for (const respond of pending) respond();
    await tab.locator('#who', { hasText: second }).waitFor();
    expect(await tab.locator('body').innerText()).not.toContain(email);
    expect(await tab.locator('#response').isVisible()).toBe(false);
  });

  it('uses the same delivery in all tabs', async () => {
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

  it('moves the focus to the heading of the new view', async () => {
    const { page } = await signedIn();
    const focused = () => page.evaluate('document.activeElement.id');
    expect(await focused()).toBe('account-title');
    await page.click('#sign-out');
    await page.locator('#signed-out').waitFor();
    expect(await focused()).toBe('sign-in-title');
  });

  it('logs that one tab refreshed for the other', async () => {
    const { page } = await signedIn();
    const other = await openDemo(context, origin);
    await isSignedIn(other);
    await Promise.all([page.click('#expire'), other.click('#expire')]);
    expect(await Promise.all([whoAmI(page), whoAmI(other)])).toEqual(['200', '200']);
    const told = [...(await eventsOf(page)), ...(await eventsOf(other))].join('\n');
    expect(told).toContain('New access token from another tab');
  });

  it('works at another address than ISSUER without cookies, and says why', async () => {
    const page = await openDemo(context, test.http.url);
    expect(await page.locator('input[value=cookie]').isDisabled()).toBe(true);
    expect(await page.locator('#delivery-hint').innerText()).toContain(origin);
    await signUp(page, someEmail());
    await page.reload();
    await isSignedIn(page);
    expect(await context.cookies()).toEqual([]);
  });
});
