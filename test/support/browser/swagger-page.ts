import type { Browser, Page } from 'playwright-core';
import { PASSWORD } from '../app/users.js';

/** Swagger UI in a browser. */
export class SwaggerPage {
  readonly consoleErrors: string[] = [];

  private constructor(readonly page: Page) {
    // It parses 2 MB of scripts: that takes its time beside other tests.
    page.setDefaultTimeout(30_000);
    page.on('console', (message) => message.type() === 'error' && this.consoleErrors.push(message.text()));
    page.on('pageerror', (error) => this.consoleErrors.push(error.message));
  }

  /** In a context of its own: Swagger UI remembers who is signed in. */
  static async open(browser: Browser, url: string): Promise<SwaggerPage> {
    const swagger = new SwaggerPage(await (await browser.newContext()).newPage());
    await swagger.page.goto(url);
    return swagger;
  }

  close(): Promise<void> {
    return this.page.context().close();
  }

  /** Signs in by the dialog of the Authorize button. */
  async signIn(email: string): Promise<void> {
    await this.page.click('button.authorize');
    const form = this.page.locator('.auth-container', { has: this.page.locator('#oauth_username') });
    await form.locator('#oauth_username').fill(email);
    await form.locator('#oauth_password').fill(PASSWORD);
    await form.locator('button.authorize').click();
    await this.page.locator('.dialog-ux button', { hasText: 'Logout' }).waitFor();
    await this.page.click('.dialog-ux button.close-modal');
  }

  /** Calls GET /auth/whoami with "Try it out": the address, and the status and text of the response. */
  async tryWhoAmI(): Promise<{ url: string; status: string; text: string }> {
    const whoami = this.page.locator('#operations-auth-auth_whoAmI');
    await whoami.locator('.opblock-summary-control').click();
    await whoami.locator('.try-out__btn').click();
    await whoami.locator('button.execute').click();
    const status = whoami.locator('.live-responses-table .response-col_status').last();
    await status.waitFor();
    const text = await whoami.locator('.live-responses-table').innerText();
    const url = await whoami.locator('.request-url pre').innerText();
    return { url, status: await status.innerText(), text };
  }
}
