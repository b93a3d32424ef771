import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from '../app/users.js';

/** Opens the demo in a new tab, and chooses this delivery where the form is shown. */
export async function openDemo(context: BrowserContext, origin: string, delivery = 'cookie'): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${origin}/demo`);
  await page.locator('#signed-out, #signed-in').filter({ visible: true }).waitFor();
  if (delivery === 'body' && (await page.locator('#signed-out').isVisible())) {
    await page.locator('input[value=body]').check();
  }
  return page;
}

/** Switches the form to registration, if it is not there already. */
export async function chooseRegistration(page: Page): Promise<void> {
  if ((await page.locator('#submit').innerText()) === 'Sign in') await page.click('#switch-mode');
}

export async function signUp(page: Page, email: string): Promise<void> {
  await chooseRegistration(page);
  await sendSignIn(page, email);
  await isSignedIn(page);
}

export async function signIn(page: Page, email: string, password: string = PASSWORD): Promise<void> {
  await sendSignIn(page, email, password);
  await isSignedIn(page);
}

/** Sends the form for sign-in and registration, in its present mode. */
export async function sendSignIn(page: Page, email: string, password: string = PASSWORD): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('#submit');
}

/** Waits for this message above the page. */
export async function isTold(page: Page, text: string): Promise<void> {
  await page.locator('#notice', { hasText: text }).waitFor();
}

/** Waits for the card of this title, which redeems a mail. */
export async function isAskedFor(page: Page, title: string): Promise<void> {
  await page.locator('#proof-title', { hasText: title }).waitFor();
}

/** Opens the link of a mail in a new tab. */
export async function openMailLink(context: BrowserContext, link: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(link);
  await page.locator('#proof').waitFor();
  return page;
}

/** Waits until the page shows data that needs a session. */
export async function isSignedIn(page: Page): Promise<void> {
  await page.locator('#devices li').first().waitFor();
}

/** Clicks "Who am I?" and returns the status that the page shows. */
export async function whoAmI(page: Page): Promise<string> {
  await page.evaluate("document.getElementById('response').textContent = ''");
  await page.click('#who-am-i');
  return (await page.locator('#response', { hasText: /^\d{3}|^No response/ }).innerText()).split('\n')[0]!;
}

/** The lines of the event log, oldest first. */
export async function eventsOf(page: Page): Promise<string[]> {
  return (await page.locator('#events li span').allInnerTexts()).toReversed();
}
