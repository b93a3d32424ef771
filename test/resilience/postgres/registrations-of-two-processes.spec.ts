import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login, PASSWORD, someEmail } from '../../support/app/users.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { sql } from '../../support/database/sql.js';
import type { Http } from '../../support/http/http.js';
import { tokenLinksOf } from '../../support/mail/links.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../../support/mail/smtp.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';

const ROUNDS = 8;

describe('registrations at two processes on one PostgreSQL', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let smtp: TestSmtp;
  let servers: ServerProcess[];
  let both: [Http, Http];
  beforeAll(async () => {
    database = await throwawayDatabase();
    smtp = await startSmtp();
    const env = { DATABASE_URL: database.url, EMAIL_VERIFICATION: 'required', ...smtpEnv(smtp) };
    servers = await Promise.all([startServer(env), startServer(env)]);
    both = servers.map(({ http }) => http) as [Http, Http];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await smtp.close();
    await database.drop();
  });

  /** Registers an address so many times, at both. */
  async function tokensOf(email: string, times: number): Promise<string[]> {
    const tokens = () => smtp.received.filter(({ to }) => to === email).flatMap(tokenLinksOf);
    for (let i = 0; i < times; i++) await both[i % 2]!.post('/auth/register', { json: { email, password: PASSWORD } });
    await expect.poll(() => tokens().length).toBe(times);
    return tokens().map(({ token }) => token);
  }
  const verify = (http: Http, token: string) => http.post('/auth/email/verify', { json: { token } });

  it.each([
    ['by one token', 1],
    ['by two tokens of one address', 2],
  ])('make one account in parallel, %s', async (_, times) => {
    for (let round = 0; round < ROUNDS; round++) {
      const email = someEmail();
      const tokens = await tokensOf(email, times);
      const all = await Promise.all(both.map((http, i) => verify(http, tokens[i % times]!)));
      expect(all.map(({ status }) => status).sort()).toEqual([204, 400]);
      // Of two registrations neither has its password, because neither came with the verifier of its browser.
      if (times === 1) await login(both[round % 2]!, email);
      expect(await sql(database.url, `SELECT id FROM users WHERE email = '${email}'`)).toHaveLength(1);
    }
  });
});
