import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openBrowser, sessionCookies } from '../support/browser/browser.js';
import { freePort } from '../support/programs/free-port.js';
import { startService, type OtherService } from '../support/programs/other-service.js';
import { nextMail } from '../support/mail/mails.js';
import { filesIn, sectionOf } from '../support/pages/page-code.js';
import { login, PASSWORD, register } from '../support/app/users.js';
import { asTypeScript, bundle, serveFiles, typeErrors } from '../support/browser/spa-site.js';

const PAGE = readFileSync('docs/your-spa.md', 'utf8');
/** The addresses in the page: Latchkey in development and in production, and another service. */
const SERVERS_OF_PAGE = /http:\/\/localhost:3000|https:\/\/auth\.example\.com/g;
const SERVICE_OF_PAGE = 'https://notes.example.com';

/** What a new project contains besides the page's files: a document, and the code that mounts the component. */
const EMPTY =
  '<!doctype html><link rel="icon" href="data:,"><p id="app"></p><script type="module" src="/main.ts"></script>';
const REACT = `import { StrictMode } from 'react';
  import { createRoot } from 'react-dom/client';
  import { App } from './App';
  createRoot(document.querySelector('#app')!).render(<StrictMode><App /></StrictMode>);`;
const VUE = `import { createApp } from 'vue'; import App from './App.vue'; createApp(App).mount('#app');`;
/** Another tab of the same app, which the test controls. */
const BARE = `import { auth } from './auth'; Object.assign(globalThis, { auth });`;
declare const window: { auth: Client; remembered?: boolean };

const filesOf = (heading: string) => filesIn(sectionOf(PAGE, heading));
const ACCOUNTS = 'Accounts: verify, recover, change';
const APPS: Record<string, Map<string, string>> = {
  'In ten lines': new Map([...filesOf('In ten lines'), ['index.html', EMPTY]]),
  'Without a framework': new Map(filesOf('Without a framework')),
  'With React': new Map([...filesOf('With React'), ['index.html', EMPTY], ['main.tsx', REACT]]),
  'With Vue': new Map([...filesOf('With Vue'), ['index.html', EMPTY], ['main.ts', VUE]]),
  [ACCOUNTS]: new Map(filesOf(ACCOUNTS)),
  'Other services': new Map([...filesOf('Other services'), ['index.html', EMPTY], ['main.ts', BARE]]),
};
const frameworks = Object.keys(APPS).filter((app) => !['In ten lines', 'Other services', ACCOUNTS].includes(app));
const pathOf = (app: string) => `/${app.replaceAll(/\W+/g, '-')}`;

/** The page's code, unchanged except for the addresses. */
describe('the page on single-page apps', () => {
  let folder: string;
  let port: number;
  let service: OtherService;
  const written: string[] = [];
  beforeAll(async () => {
    port = await freePort();
    service = await startService();
    folder = mkdtempSync(join(tmpdir(), 'latchkey-spa-'));
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [app, files] of Object.entries(APPS)) {
      mkdirSync(join(folder, pathOf(app)));
      for (const [file, code] of new Map([...filesOf('The client'), ...files])) {
        if (!file.endsWith('.html')) written.push(write(join(folder, pathOf(app), file), code));
      }
    }
  });
  afterAll(() => {
    service.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(path: string, code: string): string {
    const isVue = path.endsWith('.vue');
    const target = isVue ? `${path}.ts` : path;
    const text = (isVue ? asTypeScript(code) : code)
      .replace(SERVERS_OF_PAGE, `http://localhost:${port}`)
      .replace(SERVICE_OF_PAGE, service.url);
    writeFileSync(target, text);
    return target;
  }

  it('has code without type errors', () => {
    const names = written.map((path) => path.slice(folder.length));
    expect(names).toEqual(expect.arrayContaining(['/With-React/App.tsx', '/With-Vue/App.vue.ts']));
    expect(typeErrors(written)).toEqual([]);
  });

  describe.skipIf(!browserPath)('in the tabs of a browser', () => {
    let test: TestApp;
    let site: Awaited<ReturnType<typeof serveFiles>>;
    let browser: Awaited<ReturnType<typeof openBrowser>>;
    /** As the page describes: the app has its own origin, which CORS_ORIGINS allows. */
    beforeAll(async () => {
      const served = new Map<string, string>();
      for (const [app, files] of Object.entries(APPS)) {
        const script = `${pathOf(app)}.js`;
        const entry = files.has('main.tsx') ? 'main.tsx' : 'main.ts';
        served.set(script, await bundle(join(folder, pathOf(app), entry)));
        served.set(pathOf(app), files.get('index.html')!.replace('/main.ts', script));
      }
      site = await serveFiles(served);
      const env = { CORS_ORIGINS: site.origin, APP_URL: site.origin + pathOf(ACCOUNTS) };
      test = await createTestApp({ port, env });
      browser = await openBrowser();
      other = await open('Other services');
    });
    afterAll(async () => {
      await browser.close();
      await test.close();
      site.close();
    });

    let other: Page;
    let email: string;
    beforeEach(async () => {
      ({ email } = await register(test.http));
    });
    afterEach(async () => {
      await other.evaluate(() => window.auth.logout());
      const [, , ...tabs] = browser.context.pages();
      await Promise.all(tabs.map((tab) => tab.close()));
    });

    async function open(app: string): Promise<Page> {
      const tab = await browser.context.newPage();
      tab.setDefaultTimeout(5_000);
      await tab.goto(site.origin + pathOf(app));
      return tab;
    }
    async function signIn(tab: Page, password: string) {
      await tab.fill('[autocomplete=username]', email);
      await tab.fill('[autocomplete=current-password]', password);
      await tab.click('form button');
    }
    const passwordsIn = (tab: Page) =>
      tab.evaluate<string[]>(`[...document.querySelectorAll('[type=password]')].map(({ value }) => value)`);
    const expectForm = (tab: Page) => tab.waitForSelector('form', { state: 'visible' });
    const expectUser = (tab: Page, who: string) => tab.waitForSelector(`main:visible b:text-is("${who}")`);
    const expectWords = (tab: Page, words: string) => tab.waitForSelector(`[role=alert]:text-is("${words}")`);

    describe.each(frameworks)('%s', (app) => {
      it('shows the user after a reload, and the form after a sign-out elsewhere', async () => {
        const tab = await open(app);
        await signIn(tab, 'another passphrase');
        await expectWords(tab, 'E-mail address or password is wrong.');
        await signIn(tab, PASSWORD);
        await expectUser(tab, email);
        expect(await tab.isVisible('form')).toBe(false);
        expect(await passwordsIn(tab)).not.toContain(PASSWORD);
        expect(await sessionCookies(browser.context, `http://localhost:${port}`)).toMatchObject([{ httpOnly: true }]);

        await tab.reload();
        await expectUser(tab, email);
        const second = await open(app);
        await second.click('text=Sign out');
        await expectForm(tab);
        expect(await tab.isVisible('main')).toBe(false);
      });

      it('shows no data of another user, and the form after a revocation', async () => {
        const tab = await open(app);
        await signIn(tab, PASSWORD);
        await expectUser(tab, email);
        await tab.evaluate(() => void (window.remembered = true));
        const account = await register(test.http);
        await other.evaluate((who) => window.auth.login(who), { email: account.email, password: PASSWORD });
        await tab.waitForFunction(() => !window.remembered);
        await expectUser(tab, account.email);

        const { access_token: token } = await login(test.http, account.email);
        await test.http.delete('/sessions?except=current', { token });
        await other.evaluate(() => window.auth.fetch('/users/me'));
        await expectForm(tab);
      });
    });

    it('has ten lines that stay signed in, and show a sign-out elsewhere', async () => {
      const tab = await browser.context.newPage();
      tab.setDefaultTimeout(5_000);
      tab.on('dialog', (dialog) => void dialog.accept(dialog.message() === 'E-mail' ? email : PASSWORD));
      await tab.goto(site.origin + pathOf('In ten lines'));
      await tab.waitForSelector(`body:has-text("Signed in as ${email}")`);
      await tab.reload();
      await tab.waitForSelector(`body:has-text("Signed in as ${email}")`);
      await other.evaluate(() => window.auth.logout());
      await tab.waitForSelector('body:has-text("Signed out, or offline")');
      expect(await sessionCookies(browser.context, `http://localhost:${port}`)).toEqual([]);
    });

    it('redeems the mails of an account, by link and by code', async () => {
      const tab = await open(ACCOUNTS);
      const forget = async () => {
        await tab.fill('#forgot input', email);
        await tab.click('#forgot button');
        return nextMail(test.http, email, 'reset-password');
      };
      const setPassword = async (password: string) => {
        await tab.fill('[name=password]', password);
        await tab.click('#redeem button');
        await expectWords(tab, 'Done. You can sign in.');
        await login(test.http, email, password);
      };
      const { code } = await forget();
      await tab.fill('[name=code]', code);
      await setPassword('a passphrase by code');
      await tab.reload();
      const { link } = await forget();
      await tab.goto('about:blank');
      await tab.goto(link);
      expect(tab.url()).toBe(site.origin + pathOf(ACCOUNTS));
      await setPassword('a passphrase by link');
    });

    it('lists the CORS headers that another service needs', async () => {
      await other.evaluate((who) => window.auth.login(who), { email, password: PASSWORD });
      const ask = () => other.evaluate((url) => window.auth.fetch(url).then(({ status }) => status), service.url);
      const [, lines = ''] = /```\n(Access-Control.*?)```/s.exec(PAGE) ?? [];
      service.headers = headersIn(lines.replace('https://app.example.com', site.origin));
      expect([await ask(), service.tokens.length]).toEqual([200, 2]);
      expect(new Set(service.tokens).size).toBe(2);

      service.tokens = [];
      delete service.headers['Access-Control-Expose-Headers'];
      expect([await ask(), service.tokens.length]).toEqual([401, 1]);
    });
  });
});

const headersIn = (lines: string): Record<string, string> =>
  Object.fromEntries(
    lines
      .trim()
      .split('\n')
      .map((line) => line.split(': ')),
  );
