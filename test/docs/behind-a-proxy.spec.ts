import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Client } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { browserPath, openBrowser, sessionCookies } from '../support/browser/browser.js';
import { Browser, setBy } from '../support/http/cookie-jar.js';
import { freePort } from '../support/programs/free-port.js';
import { Http } from '../support/http/http.js';
import { Https } from '../support/http/https.js';
import { sectionOf } from '../support/pages/page-code.js';
import { PASSWORD, someEmail } from '../support/app/users.js';
import {
  adapt,
  prepareGround,
  proxyPath,
  startListener,
  startProxy,
  type Ground,
} from '../support/programs/proxies.js';
import type { ProxyName, RunningProxy } from '../support/programs/proxies.js';
import { configurationOf, environmentOf, FILES, PAGE, serverOfFiles } from '../support/pages/proxy-page.js';
import { bundle } from '../support/browser/spa-site.js';

/** The page's code that creates the client, in the order of SETUPS. */
const CLIENTS = [...PAGE.matchAll(/`(createClient\(.*?\))`/g)].map((match) => match[1]!);
const APP = 'https://app.example.com';
const INDEX = '<!doctype html><title>The app</title>';
/** An address of the loopback network other than the proxy's. */
const CLIENT = '127.0.0.2';
const PROXIES = (['nginx', 'caddy'] as const).filter(proxyPath);

/** In the browser. */
declare const window: { auth: Client };

const SETUPS = [
  {
    title: 'the API on its own host',
    files: 'auth',
    site: 'same-site',
    api: 'https://auth.example.com',
    client: CLIENTS[0]!,
  },
  {
    title: 'the API under a path of the app',
    files: 'app',
    site: 'same-origin',
    api: `${APP}/api`,
    client: CLIENTS[1]!,
  },
];

/** Runs the page's configurations, with other addresses and certificates. */
describe('behind a proxy', () => {
  let ground: Ground;
  beforeAll(() => void (ground = prepareGround(['auth.example.com', 'app.example.com'], INDEX)));
  afterAll(() => ground.remove());

  describe.each(SETUPS)('$title', ({ files, site, api, client }) => {
    let test: TestApp;
    beforeAll(async () => {
      const env = { NODE_ENV: 'production', BCRYPT_COST: '10' };
      test = await createTestApp({ env: { ...environmentOf(files), ...env } });
    });
    afterAll(() => test.close());
    const configuration = (name: ProxyName, port: number) =>
      configurationOf(name, files, { ground, port, latchkey: new URL(test.http.url).host });

    it('is configured with the URL that browsers use', async () => {
      expect(environmentOf(files)).toMatchObject({ ISSUER: api, TRUST_PROXY: '1' });
    });

    describe.each(PROXIES)('with %s', (name) => {
      let proxy: RunningProxy;
      let http: Https;
      let page: Browser;
      beforeAll(async () => {
        proxy = await startProxy(name, ground, (port) => configuration(name, port));
        http = new Https(api, test.http.api, { port: proxy.port, ca: ground.ca, localAddress: CLIENT });
      });
      afterAll(() => proxy.stop());
      beforeEach(() => void (page = from(APP)));
      const from = (origin: string, fetchSite = site) => new Browser(http, { origin, 'sec-fetch-site': fetchSite });

      it('keeps a page signed in with a Secure __Host- cookie', async () => {
        const registered = await page.register(someEmail());
        expect(registered.status).toBe(201);
        const [cookie] = setBy(registered);
        expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'strict', path: '/' });
        expect(cookie!.name).toMatch(/^__Host-latchkey-/);
        expect([...registered.headers].join('\n').length).toBeLessThan(2000);

        const refreshed = await page.post('/auth/refresh', { session_id: registered.body.session_id });
        const token = refreshed.body.access_token as string;
        expect([refreshed.status, (await page.ask('GET', '/auth/whoami', { token })).status]).toEqual([200, 200]);
        expect((await page.post('/auth/logout', {}, { token })).status).toBe(204);
        expect(page.cookies.size).toBe(0);
        expect((await page.ask('GET', '/auth/whoami', { token })).body.code).toBe('session_revoked');
      });

      it("records the client's address, and ignores spoofed headers", async () => {
        const forged = { 'x-forwarded-for': '192.0.2.66', forwarded: 'for=192.0.2.66', 'x-real-ip': '192.0.2.66' };
        const email = someEmail();
        const json = { email, password: PASSWORD };
        await http.post('/auth/register', { json });
        const { body } = await http.post('/auth/login', { json, headers: forged });
        const { body: sessions } = await http.get('/sessions', { token: body.access_token });
        expect(sessions.map(({ ip }: { ip: string }) => ip)).toEqual([CLIENT, CLIENT]);
      });

      it('refuses requests with so many header lines that some could get lost', async () => {
        const { body } = await http.post('/auth/register', { json: { email: someEmail(), password: PASSWORD } });
        const { host, pathname } = new URL(`${api}/auth/whoami`);
        const head = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n`;
        const good = `${head}Authorization: Bearer ${body.access_token}\r\n`;
        const lines = (count: number) => 'a: b\r\n'.repeat(count);
        expect(await http.exchangeRaw(`${good}${lines(900)}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
        // nginx itself refuses 1,000 lines, and a second Authorization.
        for (const last of ['', 'Authorization: x\r\n']) {
          expect(await http.exchangeRaw(`${good}${lines(1100)}${last}\r\n`)).toMatch(/^HTTP\/1\.1 4(00|31) /);
        }
        expect(await http.exchangeRaw(`${good}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
      });

      it('prevents CSRF from other origins, and login CSRF from other sites', async () => {
        await page.register(someEmail());
        const stranger = from('https://www.example.com', 'same-site');
        for (const [cookie, value] of page.cookies) stranger.cookies.set(cookie, value);
        const refused = await stranger.post('/auth/refresh');
        expect([refused.status, refused.body.code]).toEqual([403, 'cross_site_request']);
        expect((await page.post('/auth/refresh')).status).toBe(200);

        const elsewhere = await from('https://app.example.net', 'cross-site').register(someEmail());
        expect([elsewhere.status, elsewhere.body.code]).toEqual([403, 'cross_site_request']);
      });

      it('serves the OAuth metadata at its RFC 8414 URL, with a reachable jwks_uri', async () => {
        const { origin, pathname } = new URL(api);
        const path = pathname === '/' ? '' : pathname;
        const metadata = await json(`${origin}/.well-known/oauth-authorization-server${path}`);
        expect(metadata).toMatchObject({ issuer: api, jwks_uri: `${api}/.well-known/jwks.json` });
        expect(await json(metadata.jwks_uri)).toMatchObject({ keys: [{ alg: 'ES256' }] });
      });
      const json = async (url: string): Promise<any> => (await http.exchange(url)).json();

      it.runIf(files === 'app')('serves the files of the app', async () => {
        for (const path of ['/', '/notes/7', '/apiary']) {
          expect(await (await http.exchange(APP + path)).text()).toBe(INDEX);
        }
        const { status } = await http.exchange(`${APP}/auth/login`, { method: 'POST' });
        expect([200, 405]).toContain(status);
      });

      it.runIf(files === 'auth')('leaves CORS to Latchkey', async () => {
        const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
        const ask = (origin: string) =>
          http.exchange(`${api}/auth/refresh`, { method: 'OPTIONS', headers: { origin, ...asked } });
        const { headers } = await ask(APP);
        expect(headers.get('access-control-allow-origin')).toBe(APP);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect((await ask('https://www.example.com')).headers.get('access-control-allow-origin')).toBe(null);
      });
    });

    it.runIf(browserPath && proxyPath('nginx'))('keeps a browser signed in over a reload', async () => {
      const entry = join(ground.folder, 'page.ts');
      const code = `import { createClient } from '@latchkey/client'; Object.assign(globalThis, { auth: ${client} });`;
      writeFileSync(entry, code);
      const html = `<!doctype html><link rel="icon" href="data:,"><script type="module">${await bundle(entry)}</script>`;
      writeFileSync(join(ground.files, 'page.html'), html);
      const beside = (port: number) => (files === 'app' ? '' : serverOfFiles(ground, port));
      const proxy = await startProxy('nginx', ground, (port) => configuration('nginx', port) + beside(port));
      onTestFinished(() => proxy.stop());
      const browser = await openBrowser([
        `--host-resolver-rules=MAP *:443 127.0.0.1:${proxy.port}`,
        '--ignore-certificate-errors',
      ]);
      onTestFinished(() => browser.close());
      const page = await browser.context.newPage();
      await page.goto(`${APP}/page.html`);
      await page.evaluate((account) => window.auth.register(account), { email: someEmail(), password: PASSWORD });
      const cookies = await sessionCookies(browser.context, api);
      expect(cookies).toMatchObject([{ secure: true, httpOnly: true, sameSite: 'Strict' }]);
      await page.reload();
      expect(await page.evaluate(() => window.auth.fetch('/auth/whoami').then(({ status }) => status))).toBe(200);
      await page.evaluate(() => window.auth.logout());
      expect(await sessionCookies(browser.context, api)).toEqual([]);
    });

    it.each(PROXIES)('responds with 502 without CORS headers while Latchkey is down: %s', async (name) => {
      const unused = `127.0.0.1:${await freePort()}`;
      const proxy = await startProxy(name, ground, (port) =>
        configurationOf(name, files, { ground, port, latchkey: unused }),
      );
      onTestFinished(() => proxy.stop());
      const http = new Https(api, test.http.api, { port: proxy.port, ca: ground.ca, localAddress: CLIENT });
      const { status, headers } = await http.exchange(`${api}/auth/refresh`, {
        method: 'POST',
        headers: { origin: APP },
      });
      expect(status).toBe(502);
      expect(headers.get('access-control-allow-origin')).toBe(null);
    });

    it('keeps idle connections open for longer than a proxy does', () => {
      expect(test.app.getHttpServer().keepAliveTimeout).toBe(72_000);
    });
  });

  it('works behind the Vite development server', async () => {
    const port = await freePort();
    const home = join(ground.folder, 'vite');
    mkdirSync(home);
    symlinkSync(resolve('node_modules'), join(home, 'node_modules'));
    const origins = { 'http://localhost:5173': `http://localhost:${port}` };
    const section = adapt(sectionOf(PAGE, 'On your own machine'), origins);
    const [, CORS_ORIGINS = ''] = /CORS_ORIGINS=(\S+) npm start/.exec(section) ?? [];
    const test = await createTestApp({ env: { CORS_ORIGINS } });
    onTestFinished(() => test.close());
    const config = adapt(FILES.get('vite.config.ts')!, { 'http://localhost:3000': test.http.url });
    writeFileSync(join(home, 'vite.config.ts'), config);
    const program = [process.execPath, resolve('node_modules/vite/bin/vite.js')] as const;
    const args = ['--strictPort', '--port', `${port}`, '--host', '127.0.0.1'];
    // It probes the port before it listens, so a connection does not show that it serves.
    const vite = await startListener([...program, ...args], home, port, (output) => output.includes(`:${port}/`));
    onTestFinished(() => vite.stop());

    const http = new Http(`http://127.0.0.1:${port}/api`, test.http.api);
    const page = new Browser(http, { origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' });
    expect((await page.register(someEmail())).status).toBe(201);
    expect((await page.post('/auth/refresh')).status).toBe(200);
  });
});
