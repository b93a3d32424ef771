import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { sql } from '../../support/database/sql.js';
import type { Http } from '../../support/http/http.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../../support/mail/smtp.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { AccountStorm, expectNothingLeft } from '../../support/storm/account-storm.js';

const STORM_MS = 20_000;
const USERS = 10;
const BUDGETS = { MAIL_RECIPIENT_LIMIT: '1000', MAIL_DOMAIN_LIMIT: '100000', MAIL_TOTAL_LIMIT: '100000' };

const VIOLATIONS = {
  'sessions of no user': 'SELECT id FROM sessions WHERE user_id NOT IN (SELECT id FROM users)',
  'one-time tokens of no user': `SELECT kind FROM one_time_tokens
     WHERE kind <> 'register' AND (user_id IS NULL OR user_id NOT IN (SELECT id FROM users))`,
  'users with one address': 'SELECT email_canonical FROM users GROUP BY email_canonical HAVING count(*) > 1',
  'sessions that outlived a change of credentials': `SELECT s.id FROM sessions s JOIN security_events e ON e.user_id = s.user_id
     WHERE e.type IN ('password_reset', 'email_change_undone') AND s.revoked_at IS NULL AND s.created_at < e.at`,
  'links that outlived a change of credentials': `SELECT t.kind FROM one_time_tokens t JOIN security_events e ON e.user_id = t.user_id
     WHERE e.type IN ('password_reset', 'email_change_undone', 'email_changed') AND t.kind IN ('reset_password', 'change_email')
       AND t.used_at IS NULL AND t.created_at < e.at`,
};

describe('a storm of changes to ten accounts, at two processes on one PostgreSQL', { timeout: 180_000 }, () => {
  let database: ThrowawayDatabase;
  let smtp: TestSmtp;
  let servers: ServerProcess[];
  let processes: Http[];
  beforeAll(async () => {
    database = await throwawayDatabase();
    smtp = await startSmtp();
    const env = { DATABASE_URL: database.url, ...BUDGETS, ...smtpEnv(smtp) };
    servers = await Promise.all([startServer(env), startServer(env)]);
    processes = servers.map(({ http }) => http);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await smtp.close();
    await database.drop();
  });

  it('fails no request, deadlocks nowhere, leaves no session or link to be revoked', async () => {
    const storm = new AccountStorm(processes, smtp, USERS);
    await storm.rage(STORM_MS);
    const pending = async () => (await sql(database.url, `SELECT id FROM outbox WHERE state = 'pending'`)).length;
    await expect.poll(pending).toBe(0);

    expect(storm.wrong).toEqual([]);
    await expectNothingLeft(storm, processes);
    const found = await Promise.all(
      Object.entries(VIOLATIONS).map(async ([what, text]) => [what, await sql(database.url, text)]),
    );
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.keys(VIOLATIONS).map((what) => [what, []])));

    await Promise.all(servers.map((server) => server.stop()));
    const deadlocks = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
    expect(await sql(database.url, deadlocks)).toEqual([{ deadlocks: 0 }]);
    for (const { output } of servers) expect(output()).not.toMatch(/40P01|deadlock/);
  });
});
