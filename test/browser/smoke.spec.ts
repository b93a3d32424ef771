import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openBrowser, sessionCookies, type OwnBrowser } from '../support/browser/browser.js';
import { isSignedIn, openDemo, signUp } from '../support/browser/demo-page.js';
import { freePort } from '../support/programs/free-port.js';
import { refresh, someEmail } from '../support/app/users.js';

/** The shortest way through everything: page, client, cookie, server. The other files of this folder are thorough. */
describe.skipIf(!browserPath)('the demo in a browser', () => {
  let test: TestApp;
  let origin: string;
  let browser: OwnBrowser;
  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    test = await createTestApp({ port, env: { ISSUER: origin } });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await test.close();
  });

  it('signs up, stays signed in over a reload, and signs out', async () => {
    const page = await openDemo(browser.context, origin);
    await signUp(page, someEmail());
    await page.reload();
    await isSignedIn(page);
    const [cookie] = await sessionCookies(browser.context);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.locator('#signed-out').waitFor();
    await expect.poll(() => sessionCookies(browser.context)).toEqual([]);
    expect((await refresh(test.http, cookie!.value)).body).toMatchObject({ code: 'session_revoked', reason: 'logout' });
  });
});
