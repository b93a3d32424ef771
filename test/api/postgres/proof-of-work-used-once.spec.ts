import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestApp } from '../../support/app/app.js';
import { challengingApp, expectChallenge, solve, withSolution } from '../../support/app/challenges.js';
import { from } from '../../support/app/limits.js';
import { throwawayDatabase } from '../../support/database/database.js';
import { expectProblem } from '../../support/http/problems.js';

const ADDRESS = '192.0.2.1';

describe('a solution', { timeout: 120_000 }, () => {
  let database: Awaited<ReturnType<typeof throwawayDatabase>>;
  let test: TestApp;
  const start = async () => {
    const env = { RATE_LIMIT_OVERRIDES: 'mail-address=12/1h' };
    test = await challengingApp(env, { databaseUrl: database.url });
  };
  beforeAll(async () => {
    database = await throwawayDatabase();
    await start();
  });
  afterAll(async () => {
    await test.close();
    await database.drop();
  });

  it('that one process has accepted is refused by another', async () => {
    const forgot = (header?: string) =>
      test.http.post(
        '/auth/password/forgot',
        header === undefined ? from(ADDRESS, { json: {} }) : withSolution(ADDRESS, header, { json: {} }),
      );
    for (let i = 0; i < 3; i++) await forgot();
    const [used, unused] = [await solve(expectChallenge(await forgot())), await solve(expectChallenge(await forgot()))];
    expectProblem(await forgot(used), 400, 'validation_failed');
    await test.close();
    await start();
    expectChallenge(await forgot(used));
    expectProblem(await forgot(unused), 400, 'validation_failed');
    const rows = await test.dataSource.query('SELECT key FROM rate_limits');
    expect(rows.every(({ key }: { key: string }) => /^[\w-]{22}$/.test(key))).toBe(true);
  });
});
