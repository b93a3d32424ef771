import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.js';
import { PurgeService } from '../../src/sessions/purge.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { isPostgres } from '../support/database/database.js';
import { blocksIn, sectionOf } from '../support/pages/page-code.js';
import { login, refresh, register } from '../support/app/users.js';

describe('the purge', () => {
  let test: TestApp;
  beforeEach(async () => {
    test = await createTestApp();
  });
  afterEach(() => test.close());

  const purge = () => test.app.get(PurgeService).run();
  const count = async (table: string) => {
    const [row] = await test.app.get(Database).write<{ n: number }>(`SELECT count(*) AS n FROM ${table}`);
    return row!.n;
  };

  it('keeps active sessions of any age', async () => {
    let { tokens } = await register(test.http);
    for (let i = 0; i < 4; i++) {
      await test.http.get('/auth/whoami', { token: tokens.access_token });
      await test.flush();
      test.clock.move('6d');
      await purge();
      tokens = (await refresh(test.http, tokens.refresh_token)).body;
    }
    expect(await count('sessions')).toBe(1);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });

  it('keeps a session whose idle limit was extended by a resent response', async () => {
    const { tokens } = await register(test.http);
    await test.http.get('/auth/whoami', { token: tokens.access_token });
    await test.flush();
    test.clock.move('121s');
    await refresh(test.http, tokens.refresh_token);
    test.clock.move('6d');
    const { body } = await refresh(test.http, tokens.refresh_token);
    await test.flush();
    test.clock.move('6d');
    await purge();
    expect((await refresh(test.http, body.refresh_token)).status).toBe(200);
  });

  it('deletes every revoked or expired session within two days', async () => {
    const { email, tokens: revoked } = await register(test.http);
    await test.http.post('/auth/logout', { token: revoked.access_token });
    await login(test.http, email);
    expect((await refresh(test.http, revoked.refresh_token)).body.reason).toBe('logout');
    test.clock.move('2d');
    await purge();
    expect(await count('sessions')).toBe(1);
    expect((await refresh(test.http, revoked.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      terminal: true,
    });
    test.clock.move('7d');
    await purge();
    expect(await count('sessions')).toBe(0);
    expect(await count('users')).toBe(1);
  });

  it('deletes sessions two days after the documented restore statement revoked them', async () => {
    const { tokens } = await register(test.http);
    const page = sectionOf(readFileSync('docs/operations.md', 'utf8'), 'After a restore from a backup');
    const [onPostgres, onSqlite] = blocksIn(page, 'sql');
    await test.dataSource.query((isPostgres ? onPostgres : onSqlite)!);
    await purge();
    expect((await refresh(test.http, tokens.refresh_token)).body).toMatchObject({
      code: 'session_revoked',
      reason: 'restored',
    });
    test.clock.move('2d');
    await purge();
    expect(await count('sessions')).toBe(0);
  });

  it('keeps a revocation until the last access token of its session has expired', async () => {
    const { tokens } = await register(test.http);
    await test.http.post('/auth/logout', { token: tokens.access_token });
    await test.app.get(Database).write('DELETE FROM sessions WHERE true');
    test.clock.move('15m');
    await purge();
    expect(await count('revocations')).toBe(1);
    test.clock.move('61s');
    await purge();
    expect(await count('revocations')).toBe(0);
  });

  it('deletes in batches, and is safe to run in parallel', async () => {
    const { tokens } = await register(test.http);
    await test.app.get(Database).write(
      `INSERT INTO revocations (subject, ver, until)
       SELECT 'session:' || r.n, 0, 1 FROM ${test.app.get(Database).table('$1', { n: 'integer' })} AS r`,
      [JSON.stringify(Array.from({ length: 1700 }, (_, n) => ({ n })))],
    );
    const [one, two] = await Promise.all([purge(), purge()]);
    expect(one + two).toBe(1700);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });
});
