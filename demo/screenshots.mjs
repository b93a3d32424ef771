// Takes the screenshots of the demo in docs/images: npm run demo:screenshots. Needs Chromium (CHROMIUM=/path/to/it).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium, devices } from 'playwright-core';

const PORT = 38_472;
const ORIGIN = `http://localhost:${PORT}`;
const ADA = { email: 'ada@example.com', password: 'correct horse battery' };
/** Short, so that the second refresh rotates. */
const SHORT_INTERVAL = { REFRESH_ROTATION_INTERVAL: '2s', REFRESH_LEEWAY: '1s' };
const PICTURES = resolve('docs/images');

const folder = mkdtempSync(join(tmpdir(), 'latchkey-pictures-'));
const server = spawn(process.execPath, [resolve('dist/src/main.js')], {
  cwd: folder,
  env: { PATH: process.env['PATH'], PORT: String(PORT), ISSUER: ORIGIN, BCRYPT_COST: '4', ...SHORT_INTERVAL },
});
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await isListening();
  mkdirSync(PICTURES, { recursive: true });

  const laptop = await open({
    viewport: { width: 960, height: 600 },
    userAgent: devices['Desktop Chrome'].userAgent,
    colorScheme: 'light',
  });
  await laptop.click('#switch-mode');
  await enter(laptop);
  const phone = await open({ ...devices['Pixel 7'], deviceScaleFactor: 1.5, colorScheme: 'dark' });
  await enter(phone);

  await laptop.click('#refresh-list');
  await laptop.locator('#devices li').nth(1).waitFor();
  await setTimeout(3000);
  await laptop.click('#expire');
  await laptop.click('#drop-response');
  await laptop.click('#who-am-i');
  await laptop.locator('#response', { hasText: '200' }).waitFor();
  await laptop.screenshot({ path: join(PICTURES, 'demo.png'), fullPage: true });
  await phone.screenshot({ path: join(PICTURES, 'demo-on-a-phone.png') });
} finally {
  await browser.close();
  server.kill();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
}

async function isListening() {
  const responds = () =>
    fetch(`${ORIGIN}/demo`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await responds())) await setTimeout(100);
}

async function open(device) {
  const page = await (await browser.newContext(device)).newPage();
  await page.goto(`${ORIGIN}/demo`);
  return page;
}

async function enter(page) {
  await page.fill('#email', ADA.email);
  await page.fill('#password', ADA.password);
  await page.click('#submit');
  await page.locator('#devices li').first().waitFor();
}
