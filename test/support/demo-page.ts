import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from './people.js';

/** Opens the demo in a new tab, with the token delivery that its user chooses. */
export async function openDemo(context: BrowserContext, origin: string, delivery = 'cookie'): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${origin}/demo`);
  // Either form: the page has started.
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

/** Waits until the page shows the sessions that the server lists. */
export async function isSignedIn(page: Page): Promise<void> {
  await page.locator('#devices li').first().waitFor();
}

/** Clicks "Who am I?" and returns the status that the page shows. */
export async function whoAmI(page: Page): Promise<string> {
  await page.evaluate("document.getElementById('answer').textContent = ''");
  await page.click('#who-am-i');
  return (await page.locator('#answer', { hasText: /^\d{3}|^No answer/ }).innerText()).split('\n')[0]!;
}

/** The client events that the page lists, oldest first. */
export async function eventsOf(page: Page): Promise<string[]> {
  return (await page.locator('#events li span').allInnerTexts()).toReversed();
}
