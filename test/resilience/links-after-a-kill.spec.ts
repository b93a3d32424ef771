import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PASSWORD, someEmail } from '../support/app/users.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { sql } from '../support/database/sql.js';
import { tokenLinksOf, type Action } from '../support/mail/links.js';
import { passLease } from '../support/mail/mail-processes.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../support/mail/smtp.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';

const NEW_PASSWORD = 'another long passphrase';

describe('a server that is killed before it sends a link', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let smtp: TestSmtp;
  let server: ServerProcess;
  beforeEach(async () => {
    database = await throwawayDatabase();
    smtp = await startSmtp();
    await start();
  });
  afterEach(async () => {
    await server.stop('SIGKILL');
    await smtp.close();
    await database.drop();
  });

  async function start(): Promise<void> {
    server = await startServer({
      DATABASE_URL: database.url,
      EMAIL_VERIFICATION: 'required',
      ...smtpEnv(smtp),
    });
  }
  const post = (path: string, json: object) => server.http.post(path, { json });
  const register = (email: string) => post('/auth/register', { email, password: PASSWORD });
  const signsIn = async (email: string, password: string) =>
    (await post('/auth/login', { email, password })).status === 200;
  const linksTo = (email: string, action: Action) =>
    smtp.received
      .filter(({ to }) => to === email)
      .flatMap(tokenLinksOf)
      .filter((link) => link.action === action);

  /** The only token that was mailed to an address for this action, however often. */
  async function tokenFor(email: string, action: Action): Promise<string> {
    await expect.poll(() => linksTo(email, action).length, { timeout: 60_000 }).toBeGreaterThan(0);
    const [token, ...others] = new Set(linksTo(email, action).map((link) => link.token));
    expect(others).toEqual([]);
    return token!;
  }

  async function newAccount(): Promise<string> {
    const email = someEmail();
    await register(email);
    expect((await post('/auth/email/verify', { token: await tokenFor(email, 'verify-email') })).status).toBe(204);
    return email;
  }

  /** Asks for both kinds of links, kills the server after the responses, and starts another. */
  async function askAndKill(known: string, newcomer: string, before: () => Promise<unknown>): Promise<void> {
    const responses = [post('/auth/password/forgot', { email: known }), register(newcomer)];
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([202, 202]);
    await before();
    await server.stop('SIGKILL');
    await passLease(database.url);
  }

  async function expectBothLinksToWorkOnce(known: string, newcomer: string): Promise<void> {
    const allSent = async () => (await sql(database.url, `SELECT id FROM outbox WHERE state = 'pending'`)).length;
    await expect.poll(allSent, { timeout: 60_000 }).toBe(0);
    const reset = { token: await tokenFor(known, 'reset-password'), newPassword: NEW_PASSWORD };
    const verify = { token: await tokenFor(newcomer, 'verify-email') };
    expect([await signsIn(known, PASSWORD), await signsIn(newcomer, PASSWORD)]).toEqual([true, false]);
    for (const status of [204, 400]) {
      expect((await post('/auth/password/reset', reset)).status).toBe(status);
      expect((await post('/auth/email/verify', verify)).status).toBe(status);
    }
    expect([await signsIn(known, NEW_PASSWORD), await signsIn(newcomer, PASSWORD)]).toEqual([true, true]);
  }

  it('sends it after a restart, while the SMTP server held the response', async () => {
    const [known, newcomer] = [await newAccount(), someEmail()];
    const { held, release } = smtp.hold();
    await askAndKill(known, newcomer, () => held);
    release();
    await start();
    await expectBothLinksToWorkOnce(known, newcomer);
  });

  it('sends it after a restart, while the SMTP server was away', async () => {
    const [known, newcomer] = [await newAccount(), someEmail()];
    await smtp.close();
    await askAndKill(known, newcomer, async () => {});
    smtp = await startSmtp({}, Number(new URL(smtp.url).port));
    await start();
    await expectBothLinksToWorkOnce(known, newcomer);
  });
});
