import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { solveChallenge } from '../../client/src/challenge.js';
import type { TestApp } from '../support/app/app.js';
import { challengingApp } from '../support/app/challenges.js';
import { register, someEmail } from '../support/app/users.js';
import { browserPath, openBrowser } from '../support/browser/browser.js';
import { isTold, openDemo, sendSignIn, signIn } from '../support/browser/demo-page.js';
import { freePort } from '../support/programs/free-port.js';

/** The globals of the page. The functions that use them run in the browser. */
declare const window: { solveChallenge: typeof solveChallenge };

/** A page with the client's solver and its worker, each a file, under a Content-Security-Policy. */
async function challengePage(policy: string): Promise<{ origin: string; close: () => void }> {
  const files = new Map<string, string>();
  for (const name of ['challenge', 'challenge-worker']) {
    const bundle = await rolldown({ input: `client/src/${name}.ts` });
    const { output } = await bundle.generate({ format: 'es' });
    await bundle.close();
    files.set(`/${name}.js`, output[0].code);
  }
  files.set('/page.js', `import { solveChallenge } from './challenge.js'; window.solveChallenge = solveChallenge;`);
  const page = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
  const server = createServer(({ url = '' }, response) => {
    const script = files.get(url);
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', policy).end(script ?? page);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://localhost:${port}`, close: () => void server.close() };
}

describe.skipIf(!browserPath).each([
  ['in a worker', "worker-src 'self'", 1],
  ['on the main thread where workers are forbidden', "worker-src 'none'", 0],
])('a challenge is solved %s', { timeout: 60_000 }, (_, policy, workers) => {
  let test: TestApp;
  let site: Awaited<ReturnType<typeof challengePage>>;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  beforeAll(async () => {
    site = await challengePage(policy);
    test = await challengingApp({ CORS_ORIGINS: site.origin, RATE_LIMIT_OVERRIDES: 'mail-address=12/1h' });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await test.close();
    site.close();
  });

  it('and the API accepts its solution from another origin', async () => {
    const page = await browser.context.newPage();
    let started = 0;
    page.on('worker', () => (started += 1));
    await page.goto(site.origin);
    await page.waitForFunction(() => 'solveChallenge' in window);
    const statuses = await page.evaluate(
      async (url) => {
        const forgot = (headers: Record<string, string> = {}) =>
          fetch(url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } });
        for (let i = 0; i < 3; i++) await forgot();
        const refused = await forgot();
        const header = await window.solveChallenge((await refused.json()) as { challenge?: unknown });
        return [refused.status, (await forgot({ 'Latchkey-Challenge': header })).status];
      },
      `${test.http.url.replace('127.0.0.1', 'localhost')}/auth/password/forgot`,
    );
    expect(statuses).toEqual([403, 400]);
    expect(started).toBe(workers);
  });
});

describe.skipIf(!browserPath)('the demo', { timeout: 60_000 }, () => {
  it('solves the challenge of a sign-in in a worker, and says so', async () => {
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const test = await challengingApp({ ISSUER: origin, RATE_LIMIT_OVERRIDES: 'password-address=12/10m' }, { port });
    const browser = await openBrowser();
    const { email } = await register(test.http);
    const page = await openDemo(browser.context, origin);
    const workers: string[] = [];
    page.on('worker', (worker) => workers.push(worker.url()));
    for (let i = 0; i < 3; i++) {
      await sendSignIn(page, someEmail());
      await isTold(page, 'E-mail address or password is wrong.');
    }
    expect(workers).toEqual([]);
    await signIn(page, email);
    expect(workers).toEqual([`${origin}/demo/challenge-worker.js`]);
    await page.locator('#events', { hasText: 'proof of work' }).waitFor();
    await browser.close();
    await test.close();
  });
});
