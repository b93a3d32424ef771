import { readFileSync } from 'node:fs';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { PASSWORD, someEmail } from '../support/app/users.js';
import { violationsOf } from '../support/browser/axe.js';
import { browserPath, openSharedBrowser } from '../support/browser/browser.js';
import {
  chooseRegistration,
  isAskedFor,
  isSignedIn,
  isTold,
  openDemo,
  openMailLink,
  sendSignIn,
  signIn,
  signUp,
} from '../support/browser/demo-page.js';
import { nextMail } from '../support/mail/mails.js';
import { startSmtp, smtpEnv, type TestSmtp } from '../support/mail/smtp.js';
import { freePort } from '../support/programs/free-port.js';

const NEW_PASSWORD = 'another long passphrase';

let test: TestApp;
let origin: string;
let browser: Browser;
let context: BrowserContext;
let email: string;

/** The tests of one block share an application, and each has a browser profile of its own. */
function runsOn(env: () => Promise<Record<string, string>>): void {
  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    test = await createTestApp({ port, env: { ISSUER: origin, APP_URL: `${origin}/demo`, ...(await env()) } });
    browser = await openSharedBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
  });
  beforeEach(async () => {
    email = someEmail();
    context = await browser.newContext();
  });
  afterEach(() => context.close());
}

const mailTo = (to: string, template: Parameters<typeof nextMail>[2]) => nextMail(test.http, to, template);

/** The way of users who have to verify their address first. */
describe.skipIf(!browserPath)('an account in the demo, with verified addresses', () => {
  runsOn(async () => ({ EMAIL_VERIFICATION: 'required' }));

  it.each(['cookie', 'body'])('is verified, recovered, moved, and moved back (%s)', async (delivery) => {
    const page = await openDemo(context, origin, delivery);
    await chooseRegistration(page);
    await sendSignIn(page, email);
    await isAskedFor(page, 'Verify your address');

    // As a user reads the mail: by the link of the demo to the mails of the server. The page lists what is there already.
    await mailTo(email, 'verify-email');
    const [mails] = await Promise.all([context.waitForEvent('page'), page.click('#dev-mail')]);
    await mails.locator('tr', { hasText: email }).getByRole('link').click();
    const [linked] = await Promise.all([context.waitForEvent('page'), mails.locator('pre a').first().click()]);
    await isAskedFor(linked, 'Verify your address');
    expect(linked.url()).toBe(`${origin}/demo`);
    await linked.click('#proof-submit');
    await isTold(linked, 'Your address is verified');
    await signIn(linked, email);
    await isSignedIn(page);
    await Promise.all([linked.close(), mails.close()]);

    await page.click('#proof-close');
    await page.click('#sign-out');
    await page.click('#forgot-password');
    await page.fill('#forgot-email', email);
    await page.click('#forgot-form [type=submit]');
    await isAskedFor(page, 'Set a new password');
    const reset = await mailTo(email, 'reset-password');
    await page.fill('#code', reset.code);
    await page.fill('#reset-password', NEW_PASSWORD);
    await page.click('#proof-submit');
    await isTold(page, 'Sign in with the new one');
    await signIn(page, email, NEW_PASSWORD);

    const newEmail = someEmail();
    await page.click('#email-settings summary');
    await page.fill('#new-email', newEmail);
    await page.fill('#change-email-password', NEW_PASSWORD);
    await page.click('#change-email [type=submit]');
    await isAskedFor(page, 'Confirm the new address');
    await page.fill('#code', (await mailTo(newEmail, 'confirm-email-change')).code);
    await page.click('#proof-submit');
    await isTold(page, 'Your account has the new address');
    await page.locator('#who', { hasText: newEmail }).waitFor();

    const undone = await openMailLink(context, (await mailTo(email, 'email-changed')).link);
    await isAskedFor(undone, 'Keep the old address');
    await undone.click('#proof-submit');
    await page.locator('#signed-out').waitFor();
    await signIn(page, email, NEW_PASSWORD);
    expect(await page.locator('#who').innerText()).toBe(email);
  });

  it('is not verified by opening the link, only by a click', async () => {
    await test.http.post('/auth/register', { json: { email, password: PASSWORD } });
    const { link } = await mailTo(email, 'verify-email');
    const [scanner, tab] = [await openMailLink(context, link), await openMailLink(context, link)];
    await scanner.reload();
    expect((await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(401);
    await tab.click('#proof-submit');
    await isTold(tab, 'Your address is verified');
    await signIn(tab, email);
    const again = await openMailLink(context, link);
    await again.click('#proof-submit');
    await isTold(again, 'was used already');
  });

  it('is verified by the code after a reload, in the tab that asked for it', async () => {
    const page = await openDemo(context, origin);
    await chooseRegistration(page);
    await sendSignIn(page, email);
    await isAskedFor(page, 'Verify your address');
    const { code } = await mailTo(email, 'verify-email');
    await page.reload();
    await isAskedFor(page, 'Verify your address');
    await page.fill('#code', code === '000000' ? '000001' : '000000');
    await page.click('#proof-submit');
    await isTold(page, 'is wrong');
    expect(await violationsOf(page)).toEqual([]);
    await page.fill('#code', code);
    await page.click('#proof-submit');
    await isTold(page, 'Your address is verified');
    await signIn(page, email);
  });

  it('gets a new password by the link, after one that is rejected', async () => {
    const page = await openDemo(context, origin);
    await chooseRegistration(page);
    await sendSignIn(page, email);
    await page.fill('#code', (await mailTo(email, 'verify-email')).code);
    await page.click('#proof-submit');
    await isTold(page, 'Your address is verified');
    await page.goto(`${origin}/demo#forgot-password`);
    await page.fill('#forgot-email', email);
    await page.click('#forgot-form [type=submit]');
    const tab = await openMailLink(context, (await mailTo(email, 'reset-password')).link);
    await tab.fill('#reset-password', 'short');
    await tab.click('#proof-submit');
    await tab.locator('#reset-password-error', { hasText: '15' }).waitFor();
    expect(await violationsOf(tab)).toEqual([]);
    await tab.fill('#reset-password', NEW_PASSWORD);
    await tab.click('#proof-submit');
    await isTold(tab, 'The password is changed');
    await signIn(tab, email, NEW_PASSWORD);
  });
});

describe.skipIf(!browserPath)('an account in the demo, signed in', () => {
  runsOn(async () => ({}));

  it.each(['cookie', 'body'])('verifies its address by a link, and stays signed in (%s)', async (delivery) => {
    const page = await openDemo(context, origin, delivery);
    await signUp(page, email);
    await page.click('#request-verification');
    await isAskedFor(page, 'Verify your address');
    const tab = await openMailLink(context, (await mailTo(email, 'verify-email')).link);
    await isSignedIn(tab);
    await tab.click('#proof-submit');
    await isTold(tab, 'Your address is verified');
    await page.click('#proof-close');
    await isSignedIn(page);
    await expect.poll(() => page.locator('#unverified').isVisible()).toBe(false);
  });

  it('asks for the password again, and downloads what is stored', async () => {
    const page = await openDemo(context, origin);
    await signUp(page, email);
    test.clock.move('11m');
    await page.click('#export');
    const password = page.locator('#reauthentication-password');
    await password.fill('not the password at all');
    await password.press('Enter');
    await page.locator('#reauthentication [role=alert]', { hasText: 'The password is wrong.' }).waitFor();
    expect(await violationsOf(page)).toEqual([]);
    await password.fill(PASSWORD);
    const [download] = await Promise.all([page.waitForEvent('download'), password.press('Enter')]);
    expect(download.suggestedFilename()).toBe('latchkey-account.json');
    expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toMatchObject({ profile: { email } });
    await page.locator('#security-events li', { hasText: 'Registered' }).waitFor();
  });

  it('does nothing when the user cancels the question for the password', async () => {
    const page = await openDemo(context, origin);
    await signUp(page, email);
    test.clock.move('11m');
    await page.click('#export');
    await page.locator('#reauthentication').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#reauthentication').waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.id')).toBe('export');
    expect(await page.locator('#notice').isVisible()).toBe(false);
  });

  it('changes its password, and signs out the other devices', async () => {
    const page = await openDemo(context, origin);
    await signUp(page, email);
    const phone = await test.http.post('/auth/login', { json: { email, password: PASSWORD } });
    await page.click('#password-settings summary');
    await page.fill('#current-password', PASSWORD);
    await page.fill('#new-password', NEW_PASSWORD);
    await page.click('#change-password [type=submit]');
    await isTold(page, 'The password is changed');
    await isSignedIn(page);
    expect((await test.http.get('/users/me', { token: phone.body.access_token })).status).toBe(401);
  });

  it.each(['cookie', 'body'])('is deleted with its password, in all tabs (%s)', async (delivery) => {
    const page = await openDemo(context, origin, delivery);
    await signUp(page, email);
    const other = await openDemo(context, origin);
    await isSignedIn(other);
    // The access token is still valid, but its authentication is too old.
    test.clock.move('11m');
    await page.click('#delete-account');
    await page.fill('#deletion-password', PASSWORD);
    await page.click('#deletion-form [type=submit]');
    await page.fill('#reauthentication-password', PASSWORD);
    await page.click('#reauthentication-form [type=submit]');
    await isTold(page, 'Your account is deleted.');
    for (const tab of [page, other]) await tab.locator('#signed-out').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('sign-in-title');
    expect((await test.http.post('/auth/login', { json: { email, password: PASSWORD } })).status).toBe(401);
  });
});

describe.skipIf(!browserPath)('a sign-in in the demo that is throttled', () => {
  runsOn(async () => ({ RATE_LIMITS: 'on' }));

  it('counts down, and is accepted afterwards', async () => {
    await test.http.post('/auth/register', { json: { email, password: PASSWORD } });
    test.clock.standStill(Date.now());
    for (let failures = 1; failures <= 7; failures += 1) {
      const { status } = await test.http.post('/auth/login', { json: { email, password: 'not the password at all' } });
      expect(status).toBe(401);
      if (failures >= 5) test.clock.move(failures < 7 ? '2s' : '0s');
    }
    const page = await openDemo(context, origin);
    await sendSignIn(page, email);
    const [button, status] = [page.locator('#submit'), page.locator('#sign-in .retry-status')];
    await status.filter({ hasText: 'Too many attempts. You can try again in 4 seconds.' }).waitFor();
    expect([await button.isDisabled(), await status.getAttribute('role')]).toEqual([true, 'status']);
    expect(await page.locator('#sign-in .retry-countdown').innerText()).toMatch(/^Still [1-4] s\.$/);
    expect(await violationsOf(page)).toEqual([]);
    test.clock.move('4s');
    await status.filter({ hasText: 'You can try again now.' }).waitFor();
    expect(await button.isDisabled()).toBe(false);
    await page.click('#submit');
    await isSignedIn(page);
  });
});

describe.skipIf(!browserPath)('an account in the demo, with mail by SMTP', () => {
  let smtp: TestSmtp;
  beforeAll(async () => {
    smtp = await startSmtp();
  });
  afterAll(() => smtp.close());
  runsOn(async () => ({ ...smtpEnv(smtp), APP_URL: `${origin}/demo`, EMAIL_VERIFICATION: 'required' }));

  it.each(['link', 'code'] as const)('registers, and is verified by the %s of the mail', async (kind) => {
    const page = await openDemo(context, origin);
    expect(await page.locator('#dev-mail').isVisible()).toBe(false);
    await chooseRegistration(page);
    await sendSignIn(page, email);
    await isAskedFor(page, 'Verify your address');
    await expect.poll(() => smtp.received.map(({ to }) => to)).toContain(email);
    const { text = '' } = smtp.received.find(({ to }) => to === email)!.parsed;
    const tab = kind === 'link' ? await openMailLink(context, /http\S+/.exec(text)![0]) : page;
    if (kind === 'code') await page.fill('#code', /^\d{6}$/m.exec(text)![0]);
    await tab.click('#proof-submit');
    await isTold(tab, 'Your address is verified');
    await signIn(tab, email);
  });
});
