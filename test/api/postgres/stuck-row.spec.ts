import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { refresh, register } from '../../support/app/users.js';

describe('a locked session row', () => {
  let test: TestApp;
  let holder: pg.Client;
  beforeAll(async () => {
    test = await createTestApp({ env: { DATABASE_POOL_SIZE: '4' } });
    holder = new pg.Client({ connectionString: test.databaseUrl });
    holder.on('error', () => {});
    await holder.connect();
  });
  afterAll(async () => {
    await holder.end();
    await test.close();
  });

  it('blocks only the refreshes of its session, and does not exhaust the pool', async () => {
    const { tokens: stuck } = await register(test.http);
    const { tokens: free } = await register(test.http);
    for (const { access_token } of [stuck, free]) await test.http.get('/auth/whoami', { token: access_token });
    await test.flush();
    test.clock.move('121s');
    await holder.query('BEGIN');
    await holder.query(`SELECT 1 FROM sessions WHERE id = '${stuck.session_id}' FOR UPDATE`);

    const waiting = Array.from({ length: 40 }, () => refresh(test.http, stuck.refresh_token));
    expect((await refresh(test.http, free.refresh_token)).status).toBe(200);
    for (let i = 0; i < 5; i++)
      expect((await test.http.get('/users/me', { token: free.access_token })).status).toBe(200);
    const responses = await Promise.all(waiting);
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]));
    expect(responses.every(({ headers, body }) => headers.get('retry-after') && !body.terminal)).toBe(true);

    await holder.query('ROLLBACK');
    expect((await refresh(test.http, stuck.refresh_token)).status).toBe(200);
  });

  it('does not block the acknowledgements of other sessions', async () => {
    const users = await Promise.all([register(test.http), register(test.http), register(test.http)]);
    const [stuck] = users;
    // Before the tokens are used: the buffer is also flushed by its timer.
    await holder.query('BEGIN');
    await holder.query(`SELECT 1 FROM sessions WHERE id = '${stuck!.tokens.session_id}' FOR UPDATE`);
    for (const { tokens } of users) await test.http.get('/auth/whoami', { token: tokens.access_token });
    await test.flush();
    const acknowledged = async () => {
      const ids = users.map(({ tokens }) => `'${tokens.session_id}'`).join(', ');
      const sql = `SELECT id, acknowledged_generation AS a FROM sessions WHERE id IN (${ids})`;
      const rows = (await test.dataSource.query(sql)) as { id: string; a: number }[];
      return users.map(({ tokens }) => rows.find(({ id }) => id === tokens.session_id)!.a);
    };
    expect(await acknowledged()).toEqual([0, 1, 1]);
    await holder.query('ROLLBACK');
    await test.flush();
    expect(await acknowledged()).toEqual([1, 1, 1]);
  });
});
