import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from './people.js';

/** Opens the demo in a tab of its own. `delivery` as its user would choose it. */
export async function openDemo(context: BrowserContext, origin: string, delivery = 'cookie'): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${origin}/demo`);
  // Whichever of the two it shows: it has begun.
  await page.locator('#signed-out, #signed-in').filter({ visible: true }).waitFor();
  if (delivery === 'body' && (await page.locator('#signed-out').isVisible())) {
    const reloaded = page.waitForEvent('load');
    await page.locator('input[value=body]').check();
    await reloaded;
    await page.locator('#signed-out').waitFor();
  }
  return page;
}

export async function signUp(page: Page, email: string): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', PASSWORD);
  await page.click('button[value=register]');
  await isSignedIn(page);
}

/** Waits until the page shows whose it is, by the server's word. */
export async function isSignedIn(page: Page): Promise<void> {
  await page.locator('#devices li').first().waitFor();
}

/** Presses "Who am I?", and responses the status that the page then shows. */
export async function whoAmI(page: Page): Promise<string> {
  await page.evaluate("document.getElementById('response').textContent = ''");
  await page.click('#who-am-i');
  return (await page.locator('#response', { hasText: /^\d{3}|^No response/ }).innerText()).split('\n')[0]!;
}

/** What the page says that the client did, oldest first. */
export async function eventsOf(page: Page): Promise<string[]> {
  return (await page.locator('#events li span').allInnerTexts()).toReversed();
}
