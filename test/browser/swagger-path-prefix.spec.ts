import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openSharedBrowser } from '../support/browser/browser.js';
import { serveBelow } from '../support/programs/path-prefix.js';
import { register } from '../support/app/users.js';
import { SwaggerPage } from '../support/browser/swagger-page.js';

describe.runIf(browserPath)(
  'Swagger UI below the path of ISSUER, behind a proxy that takes it off',
  { timeout: 90_000 },
  () => {
    let proxy: Awaited<ReturnType<typeof serveBelow>>;
    let test: TestApp;
    let browser: Awaited<ReturnType<typeof openSharedBrowser>>;
    beforeAll(async () => {
      proxy = await serveBelow('/api', () => test.http.url);
      test = await createTestApp({ env: { ISSUER: `${proxy.origin}/api` } });
      browser = await openSharedBrowser();
    });
    afterAll(async () => {
      await browser.close();
      await proxy.close();
      await test.close();
    });

    it('signs in and calls a guarded route', async () => {
      const { email } = await register(test.http);
      const swagger = await SwaggerPage.open(browser, `${proxy.origin}/api/docs`);
      onTestFinished(() => swagger.close());
      await swagger.page.evaluate('localStorage.clear()');
      await swagger.page.reload();
      await swagger.signIn(email);
      const { url, status } = await swagger.tryWhoAmI();
      expect(status).toContain('200');
      expect(url).toBe(`${proxy.origin}/api/auth/whoami`);
      expect(swagger.consoleErrors).toEqual([]);
    });

    it('has addresses in its document that resolve below the path', async () => {
      const url = `${proxy.origin}/api/openapi.json`;
      const document = (await (await fetch(url)).json()) as {
        servers: { url: string }[];
        components: { securitySchemes: { password: { flows: { password: { tokenUrl: string } } } } };
      };
      const server = new URL(document.servers[0]!.url, url);
      expect(server.href).toBe(`${proxy.origin}/api`);
      const { tokenUrl } = document.components.securitySchemes.password.flows.password;
      expect(new URL(tokenUrl, server).href).toBe(`${proxy.origin}/api/auth/login`);
    });
  },
);
