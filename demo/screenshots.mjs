// Takes the README's pictures of the demo: npm run demo:screenshots. Needs a Chromium (CHROMIUM=/path/to/it).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, devices } from 'playwright-core';

const PORT = 38_472;
const ORIGIN = `http://localhost:${PORT}`;
const ADA = { email: 'ada@example.com', password: 'correct horse battery' };
const PICTURES = resolve('docs/images');

const folder = mkdtempSync(join(tmpdir(), 'latchkey-pictures-'));
const server = spawn(process.execPath, [resolve('dist/src/main.js')], {
  cwd: folder,
  env: { PATH: process.env['PATH'], PORT: String(PORT), ISSUER: ORIGIN, BCRYPT_COST: '4' },
});
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for await (const chunk of server.stdout) if (String(chunk).includes('is running at')) break;
  mkdirSync(PICTURES, { recursive: true });

  const laptop = await open({
    viewport: { width: 960, height: 600 },
    userAgent: devices['Desktop Chrome'].userAgent,
    colorScheme: 'light',
  });
  await enter(laptop, 'register');
  const phone = await open({ ...devices['Pixel 7'], deviceScaleFactor: 1.5, colorScheme: 'dark' });
  await enter(phone, 'login');

  await laptop.click('#look-again');
  await laptop.locator('#devices li').nth(1).waitFor();
  await laptop.click('#expire');
  await laptop.click('#lose-answer');
  await laptop.click('#who-am-i');
  await laptop.locator('#answer', { hasText: '200' }).waitFor();
  await laptop.screenshot({ path: join(PICTURES, 'demo.png'), fullPage: true });
  await phone.screenshot({ path: join(PICTURES, 'demo-on-a-phone.png') });
} finally {
  await browser.close();
  server.kill();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
}

async function open(device) {
  const page = await (await browser.newContext(device)).newPage();
  await page.goto(`${ORIGIN}/demo`);
  return page;
}

async function enter(page, how) {
  await page.fill('#email', ADA.email);
  await page.fill('#password', ADA.password);
  await page.click(`button[value=${how}]`);
  await page.locator('#devices li').first().waitFor();
}
