import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../client/src/index.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { browserPath, openBrowser } from '../support/browser.js';
import { Browser, setBy } from '../support/cookie-jar.js';
import { isPostgres } from '../support/database.js';
import { Https } from '../support/https.js';
import { filesIn } from '../support/page-code.js';
import { PASSWORD, someEmail } from '../support/people.js';
import {
  adapt,
  prepareGround,
  proxyPath,
  startProxy,
  type Ground,
  type ProxyName,
  type RunningProxy,
} from '../support/proxies.js';
import { bundle } from '../support/spa-site.js';

const PAGE = readFileSync('docs/behind-a-proxy.md', 'utf8');
const FILES = new Map(filesIn(PAGE));
/** What the page says to create in the app, in the order of SETUPS. */
const CLIENTS = [...PAGE.matchAll(/`(createClient\(.*?\))`/g)].map((match) => match[1]!);
const APP = 'https://app.example.com';
const INDEX = '<!doctype html><title>The app</title>';
/** Of the loopback network as well, but not the proxy's. */
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

/** Runs the page's configurations; of each only addresses and certificates are others. */
describe.skipIf(isPostgres)('behind a proxy', () => {
  let ground: Ground;
  beforeAll(() => void (ground = prepareGround(['auth.example.com', 'app.example.com'], INDEX)));
  afterAll(() => ground.remove());

  function adapted(name: ProxyName, files: string, port: number, latchkey: string): string {
    const host = `${files}.example.com`;
    const ours = { '127.0.0.1:3000': latchkey, ...(files === 'app' && { '/var/www/app': ground.files }) };
    if (name === 'nginx') {
      return adapt(FILES.get(`${files}.conf`)!, {
        ...ours,
        'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
        '/etc/ssl/example.com.pem': ground.certificate,
        '/etc/ssl/example.com.key': ground.key,
      });
    }
    const withCertificate = `https://${host}:${port} {\n\tbind 127.0.0.1\n\ttls ${ground.certificate} ${ground.key}`;
    return adapt(FILES.get(`${files}.Caddyfile`)!, { ...ours, [`${host} {`]: withCertificate });
  }

  /** Where the app is when its host is not the page's business: a browser lets no page from elsewhere ask this machine. */
  const serverOfFiles = (port: number) => `server {
    listen 127.0.0.1:${port} ssl;
    server_name app.example.com;
    ssl_certificate ${ground.certificate};
    ssl_certificate_key ${ground.key};
    root ${ground.files};
  }`;

  async function pageWith(client: string): Promise<string> {
    const entry = join(ground.folder, 'page.ts');
    const code = `import { createClient } from '@latchkey/client'; Object.assign(globalThis, { auth: ${client} });`;
    writeFileSync(entry, code);
    return `<!doctype html><link rel="icon" href="data:,"><script type="module">${await bundle(entry)}</script>`;
  }

  describe.each(SETUPS)('$title', ({ files, site, api, client }) => {
    let test: TestApp;
    beforeAll(async () => {
      const env = Object.fromEntries(
        FILES.get(`${files}.env`)!
          .trim()
          .split('\n')
          .map((line) => line.split('=')),
      );
      test = await createTestApp({ env: { ...env, NODE_ENV: 'production', BCRYPT_COST: '10' } });
    });
    afterAll(() => test.close());
    const configuration = (name: ProxyName, port: number) => adapted(name, files, port, new URL(test.http.url).host);

    it('is configured with the address that browsers use', async () => {
      expect(FILES.get(`${files}.env`)).toContain(`ISSUER=${api}\n`);
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

      it('keeps a page signed in by a cookie for https alone', async () => {
        const registered = await page.register(someEmail());
        expect(registered.status).toBe(201);
        const [cookie] = setBy(registered);
        expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'strict', path: '/' });
        expect(cookie!.name).toMatch(/^__Host-latchkey-/);

        const refreshed = await page.post('/auth/refresh', { session_id: registered.body.session_id });
        const token = refreshed.body.access_token as string;
        expect([refreshed.status, (await page.ask('GET', '/auth/whoami', { token })).status]).toEqual([200, 200]);
        expect((await page.post('/auth/logout', {}, { token })).status).toBe(204);
        expect(page.cookies.size).toBe(0);
        expect((await page.ask('GET', '/auth/whoami', { token })).body.code).toBe('session_revoked');
      });

      it("notes the client's address, whatever the client says", async () => {
        const forged = { 'x-forwarded-for': '192.0.2.66', forwarded: 'for=192.0.2.66', 'x-real-ip': '192.0.2.66' };
        const email = someEmail();
        const json = { email, password: PASSWORD };
        await http.post('/auth/register', { json });
        const { body } = await http.post('/auth/login', { json, headers: forged });
        const { body: sessions } = await http.get('/sessions', { token: body.access_token });
        expect(sessions.map(({ ip }: { ip: string }) => ip)).toEqual([CLIENT, CLIENT]);
      });

      it('refuses the cookie to pages of other origins, and a sign-in for one to other sites', async () => {
        await page.register(someEmail());
        const stranger = from('https://www.example.com', 'same-site');
        for (const [cookie, value] of page.cookies) stranger.cookies.set(cookie, value);
        const refused = await stranger.post('/auth/refresh');
        expect([refused.status, refused.body.code]).toEqual([403, 'cross_site_request']);
        expect((await page.post('/auth/refresh')).status).toBe(200);

        const elsewhere = await from('https://app.example.net', 'cross-site').register(someEmail());
        expect([elsewhere.status, elsewhere.body.code]).toEqual([403, 'cross_site_request']);
      });

      it('has the metadata where OAuth clients look for it, and tells addresses that are there', async () => {
        const { origin, pathname } = new URL(api);
        const path = pathname === '/' ? '' : pathname;
        const metadata = await json(`${origin}/.well-known/oauth-authorization-server${path}`);
        expect(metadata).toMatchObject({ issuer: api, jwks_uri: `${api}/.well-known/jwks.json` });
        expect(await json(metadata.jwks_uri)).toMatchObject({ keys: [{ alg: 'ES256' }] });
      });
      const json = async (url: string): Promise<any> => (await http.exchange(url)).json();

      it.runIf(files === 'app')('serves the app beside it', async () => {
        for (const path of ['/', '/notes/7', '/apiary']) {
          expect(await (await http.exchange(APP + path)).text()).toBe(INDEX);
        }
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

    it.runIf(browserPath && proxyPath('nginx'))('lets a browser keep the cookie, over a reload', async () => {
      writeFileSync(join(ground.files, 'page.html'), await pageWith(client));
      const beside = (port: number) => (files === 'app' ? '' : serverOfFiles(port));
      const proxy = await startProxy('nginx', ground, (port) => configuration('nginx', port) + beside(port));
      const browser = await openBrowser([
        `--host-resolver-rules=MAP *:443 127.0.0.1:${proxy.port}`,
        '--ignore-certificate-errors',
      ]);
      const page = await browser.context.newPage();
      await page.goto(`${APP}/page.html`);
      await page.evaluate((account) => window.auth.register(account), { email: someEmail(), password: PASSWORD });
      const cookies = await browser.context.cookies(api);
      expect(cookies).toMatchObject([{ secure: true, httpOnly: true, sameSite: 'Strict' }]);
      await page.reload();
      expect(await page.evaluate(() => window.auth.fetch('/auth/whoami').then(({ status }) => status))).toBe(200);
      await page.evaluate(() => window.auth.logout());
      expect(await browser.context.cookies(api)).toEqual([]);
      await browser.close();
      await proxy.stop();
    });

    it('keeps idle connections for longer than a proxy does', () => {
      expect(test.app.getHttpServer().keepAliveTimeout).toBe(72_000);
    });
  });
});
