import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openSharedBrowser } from '../support/browser/browser.js';
import { register } from '../support/app/users.js';
import { SwaggerPage } from '../support/browser/swagger-page.js';

describe.runIf(browserPath)('Swagger UI, in a browser', { timeout: 90_000 }, () => {
  let test: TestApp;
  let browser: Awaited<ReturnType<typeof openSharedBrowser>>;
  beforeAll(async () => {
    test = await createTestApp();
    browser = await openSharedBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
  });

  it('signs in with its Authorize button, and then calls a guarded route', async () => {
    const { email } = await register(test.http);
    const swagger = await SwaggerPage.open(browser, `${test.http.url}/docs`);
    onTestFinished(() => swagger.close());
    await swagger.signIn(email);
    const { status, text } = await swagger.tryWhoAmI();
    expect(status).toContain('200');
    expect(text).toContain('sessionId');
    expect(swagger.consoleErrors).toEqual([]);
  });

  it('offers only the sign-in, with the cursor in it, and a bearer token', async () => {
    const swagger = await SwaggerPage.open(browser, `${test.http.url}/docs`);
    onTestFinished(() => swagger.close());
    const { page } = swagger;
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.locator('#operations-auth-auth_whoAmI .authorization__btn').waitFor();
    const locked = page.locator('.opblock', { has: page.locator('.authorization__btn') });
    const ids = await locked.evaluateAll((operations) => operations.map(({ id }) => id));
    expect(ids).toContain('operations-auth-auth_logout');
    expect(ids).not.toContain('operations-oauth-introspection_introspect');
    expect(ids).not.toContain('operations-metrics-metrics_read');

    await page.click('button.authorize');
    const username = page.locator('#oauth_username');
    await username.waitFor();
    const titles = await page.locator('.dialog-ux .auth-container h4').allInnerTexts();
    const onOneLine = titles.map((title) => title.split(/\s+/).join(' ').trim());
    expect(onOneLine).toEqual(['bearer (http, Bearer)', 'password (OAuth2, password)']);
    const state = await username.evaluate((input) => {
      const { x, y, width, height } = input.getBoundingClientRect();
      const { activeElement } = input.ownerDocument;
      const topmost = input.ownerDocument.elementFromPoint(x + width / 2, y + height / 2);
      return { isInView: topmost === input, hasFocus: activeElement === input };
    });
    expect(state).toEqual({ isInView: true, hasFocus: true });
  });

  it('leaves the schemes of clients, scrapers and cookies in /openapi.json', async () => {
    const { body } = await test.http.get<{ components: { securitySchemes: object } }>('/openapi.json');
    expect(Object.keys(body.components.securitySchemes)).toEqual(['password', 'bearer', 'metrics', 'client', 'cookie']);
  });
});
