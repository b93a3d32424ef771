import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app.js';
import { browserPath, openBrowser } from '../support/browser.js';
import { PASSWORD, register } from '../support/people.js';

describe.runIf(browserPath)('Swagger UI, in a browser', () => {
  let test: TestApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  beforeAll(async () => {
    test = await createTestApp();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
  });

  it('signs in with its Authorize button, and then calls a guarded route', async () => {
    const { email } = await register(test.http);
    const page = await browser.context.newPage();
    page.setDefaultTimeout(10_000);
    const consoleErrors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && consoleErrors.push(message.text()));
    page.on('pageerror', (error) => consoleErrors.push(error.message));

    await page.goto(`${test.http.url}/docs`);
    await page.click('button.authorize');
    const form = page.locator('.auth-container', { has: page.locator('#oauth_username') });
    await form.locator('#oauth_username').fill(email);
    await form.locator('#oauth_password').fill(PASSWORD);
    await form.locator('button.authorize').click();
    await page.locator('.dialog-ux button', { hasText: 'Logout' }).waitFor();
    await page.click('.dialog-ux button.close-modal');

    const whoami = page.locator('#operations-auth-auth_whoAmI');
    await whoami.locator('.opblock-summary-control').click();
    await whoami.locator('.try-out__btn').click();
    await whoami.locator('button.execute').click();
    const status = whoami.locator('.live-responses-table .response-col_status').last();
    await status.waitFor();
    expect(await status.innerText()).toContain('200');
    expect(await whoami.locator('.live-responses-table').innerText()).toContain('sessionId');
    expect(consoleErrors).toEqual([]);
  });
});
