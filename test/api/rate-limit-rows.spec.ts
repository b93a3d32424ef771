import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RateLimitPurge } from '../../src/rate-limits/rate-limit-purge.service.js';
import { PasswordThrottle } from '../../src/rate-limits/password-throttle.js';
import { RateLimits } from '../../src/rate-limits/rate-limits.service.js';
import type { TestApp } from '../support/app/app.js';
import { limitedApp } from '../support/app/limits.js';
import { isPostgres } from '../support/database/database.js';

/**
 * FLOOD=1000000 runs it with the real bound, for the numbers of docs/operations.md: the flood then does not wait for the
 * purge, and how far the tables grow meanwhile depends on the machine.
 */
const IS_MEASURED = process.env['FLOOD'] !== undefined;
const FLOOD = Number(process.env['FLOOD'] ?? 4000);
const MAX_ROWS = IS_MEASURED ? 200_000 : 1000;
const AT_ONCE = IS_MEASURED ? 1000 : 100;

describe(`a flood of ${FLOOD} invented accounts and addresses`, { timeout: 3_600_000 }, () => {
  let test: TestApp;
  let most = { rate_limits: 0, password_throttles: 0 };
  beforeAll(async () => {
    test = await limitedApp({ RATE_LIMIT_OVERRIDES: 'password-network=1000000/10m' });
    test.app.get(RateLimitPurge).maxRows = MAX_ROWS;
  });
  afterAll(() => test.close());

  const count = async (table: keyof typeof most) => {
    const [row] = await test.dataSource.query<{ count: number }[]>(`SELECT count(*) AS count FROM ${table}`);
    return Number(row!.count);
  };

  async function attempt(i: number): Promise<void> {
    const request = {
      ip: `2001:db8:${(i >> 16).toString(16)}:${(i & 65_535).toString(16)}::1`,
      headers: {},
      socket: {},
      body: {},
    };
    await test.app.get(RateLimits).consume('password', { request: request as never, isPublic: true });
    await test.app.get(PasswordThrottle).beginSignIn(`invented-${i}@example.com`, null);
  }

  it('leaves tables and memory bounded, and the failures of an account under attack', async () => {
    const throttle = test.app.get(PasswordThrottle);
    const purge = test.app.get(RateLimitPurge);
    for (let i = 0; i < 3; i++) await throttle.beginSignIn('victim@example.com', null);
    const begun = performance.now();
    for (let i = 0; i < FLOOD; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => attempt(i + k)));
      if (i % (FLOOD / 40) !== 0) continue;
      if (!IS_MEASURED) await purge.whenIdle();
      most = {
        rate_limits: Math.max(most.rate_limits, await count('rate_limits')),
        password_throttles: Math.max(most.password_throttles, await count('password_throttles')),
      };
    }
    const seconds = (performance.now() - begun) / 1000;
    if (IS_MEASURED) {
      const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
      process.stdout.write(`${JSON.stringify({ ...most, rss, perSecond: Math.round(FLOOD / seconds) })}\n`);
    }
    // A twentieth is written before a purge begins.
    const bound = IS_MEASURED ? FLOOD / 2 : MAX_ROWS * 1.05;
    expect(most.password_throttles).toBeLessThan(bound);
    expect(most.rate_limits).toBeLessThan(bound);
    await purge.run();
    expect(await count('password_throttles')).toBe(MAX_ROWS);
    expect(await count('rate_limits')).toBe(isPostgres ? MAX_ROWS : 0);

    const rows = await test.dataSource.query('SELECT failures FROM password_throttles WHERE failures > 1');
    expect(rows).toEqual([{ failures: 3 }]);
  });
});

describe('the purge of rate limits', () => {
  it('deletes windows that are over, and failures after 30 days unless they are 100', async () => {
    const test = await limitedApp();
    const now = test.clock.now();
    const day = 86_400_000;
    const insert = (table: string, columns: string, rows: [string, number, number][]) =>
      Promise.all(
        rows.map(([key, n, at]) =>
          test.dataSource.query(`INSERT INTO ${table} (key, ${columns}) VALUES ('${key}', ${n}, ${at})`),
        ),
      );
    await insert('rate_limits', 'points, expires_at', [
      ['over', 1, now - 1000],
      ['running', 1, now + 60_000],
    ]);
    await insert('password_throttles', 'failures, last_attempt_at', [
      ['old', 99, now - 30 * day],
      ['recent', 99, now - 29 * day],
      ['stopped', 100, now - 399 * day],
    ]);
    await test.app.get(RateLimitPurge).run();
    const keys = async (table: string) =>
      (await test.dataSource.query<{ key: string }[]>(`SELECT key FROM ${table} ORDER BY key`)).map(({ key }) => key);
    const left = [await keys('rate_limits'), await keys('password_throttles')];
    await test.close();
    expect(left).toEqual([['running'], ['recent', 'stopped']]);
  });
});
