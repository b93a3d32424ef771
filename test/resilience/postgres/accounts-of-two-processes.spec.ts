import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login, PASSWORD, refresh, register, someEmail } from '../../support/app/users.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { prolongDelays } from '../../support/database/prolonged-delays.js';
import { sql } from '../../support/database/sql.js';
import type { Http, TokenResponse } from '../../support/http/http.js';
import { expectProblem } from '../../support/http/problems.js';
import { tokenLinksOf, type TokenLink } from '../../support/mail/links.js';
import { smtpEnv, startSmtp, type TestSmtp } from '../../support/mail/smtp.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';

const NEW_PASSWORD = 'another long passphrase';
const WRONG = 'not the password at all';
const ROUNDS = 8;

describe('the accounts of two processes on one PostgreSQL', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let smtp: TestSmtp;
  let servers: ServerProcess[];
  let one: Http;
  let other: Http;
  beforeAll(async () => {
    database = await throwawayDatabase();
    smtp = await startSmtp();
    const limits = { RATE_LIMITS: 'on', RATE_LIMIT_OVERRIDES: 'password-address=10000/1h,mail-address=10000/1h' };
    const env = { DATABASE_URL: database.url, MAIL_RECIPIENT_LIMIT: '1000', ...limits, ...smtpEnv(smtp) };
    servers = await Promise.all([startServer(env), startServer(env)]);
    [one, other] = servers.map(({ http }) => http) as [Http, Http];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await smtp.close();
    await database.drop();
  });

  const linksTo = (email: string) => smtp.received.filter(({ to }) => to === email).flatMap(tokenLinksOf);

  /** Waits for the first link of this kind in the mails to an address. */
  async function linkTo(email: string, wanted: TokenLink['action']): Promise<TokenLink> {
    const find = () => linksTo(email).find(({ action }) => action === wanted);
    await expect.poll(find).toBeDefined();
    return find()!;
  }
  async function forgotten(email: string): Promise<TokenLink> {
    await one.post('/auth/password/forgot', { json: { email } });
    return linkTo(email, 'reset-password');
  }
  async function changing(): Promise<{ email: string; newEmail: string; tokens: TokenResponse }> {
    const { email, tokens } = await register(one);
    const newEmail = someEmail();
    const json = { newEmail, password: PASSWORD };
    expect((await one.post('/auth/email/change', { token: tokens.access_token, json })).status).toBe(202);
    return { email, newEmail, tokens };
  }
  const redeem = (http: Http, { path, token, action }: TokenLink) =>
    http.post(path, { json: { token, ...(action === 'reset-password' && { newPassword: NEW_PASSWORD }) } });

  /** Both processes accept the token before, and refuse it after; the notification of the other one takes a moment. */
  async function expectRevokedBy(tokens: TokenResponse, work: () => Promise<{ status: number }>): Promise<void> {
    const statuses = () =>
      Promise.all(
        [one, other].map(async (http) => (await http.get('/auth/whoami', { token: tokens.access_token })).status),
      );
    expect(await statuses()).toEqual([200, 200]);
    expect((await work()).status).toBe(204);
    // Refreshes read the database.
    for (const http of [one, other]) expectProblem(await refresh(http, tokens.refresh_token), 401, 'session_revoked');
    await expect.poll(statuses).toEqual([401, 401]);
  }

  it('lose all sessions of both when one process resets a password', async () => {
    const { email } = await register(one);
    const tokens = await login(other, email);
    const link = await forgotten(email);
    await expectRevokedBy(tokens, () => redeem(one, link));
  });

  it('lose all sessions of both when one process undoes a change of address', async () => {
    const { email, tokens } = await changing();
    const link = await linkTo(email, 'undo-email-change');
    await expectRevokedBy(tokens, () => redeem(one, link));
  });

  it('lose all sessions of both when one process deletes an account', async () => {
    const { email } = await register(one);
    const tokens = await login(other, email);
    const { access_token: token } = await login(one, email);
    await expectRevokedBy(tokens, () => one.post('/users/me/deletion', { token, json: { password: PASSWORD } }));
  });

  // CVE-2026-53517
  it.each<[string, () => Promise<TokenLink>]>([
    ['reset', async () => forgotten((await register(one)).email)],
    ['confirmation of an address', async () => linkTo((await changing()).newEmail, 'confirm-email')],
    ['undo', async () => linkTo((await changing()).email, 'undo-email-change')],
  ])('redeem a token once in parallel: %s', async (_, newLink) => {
    for (let round = 0; round < ROUNDS; round++) {
      const link = await newLink();
      const all = await Promise.all([one, other, one, other].map((http) => redeem(http, link)));
      expect(all.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400]);
      for (const response of all.filter(({ status }) => status === 400))
        expectProblem(response, 400, 'one_time_token_invalid');
    }
  });

  it('reset a password by one of two tokens that are redeemed in parallel', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { email } = await register(one);
      for (const http of [one, other]) await http.post('/auth/password/forgot', { json: { email } });
      await expect.poll(() => linksTo(email).length).toBe(2);
      const [first, second] = linksTo(email) as [TokenLink, TokenLink];
      const all = await Promise.all([redeem(one, first), redeem(other, second)]);
      expect(all.map(({ status }) => status).sort()).toEqual([204, 400]);
    }
  });

  it('count failures to sign in over both, and forget them in both after a reset', async () => {
    const { email } = await register(one);
    const signIn = (http: Http, password: string) => http.post('/auth/login', { json: { email, password } });
    for (const http of [one, other, one, other, one]) expect((await signIn(http, WRONG)).status).toBe(401);
    await prolongDelays(database.url);
    for (const http of [other, one]) {
      expect(expectProblem(await signIn(http, PASSWORD), 429, 'rate_limited')['limit']).toBe('password-account');
    }
    expect((await redeem(other, await forgotten(email))).status).toBe(204);
    for (const http of [one, other]) expect((await signIn(http, NEW_PASSWORD)).status).toBe(200);
  });

  it('stop sign-ins at both after 100 failures, with one mail, until a reset', async () => {
    const { email } = await register(one);
    const signIn = (http: Http, password: string) => http.post('/auth/login', { json: { email, password } });
    await sql(database.url, 'DELETE FROM password_throttles');
    await signIn(one, WRONG);
    await sql(database.url, 'UPDATE password_throttles SET failures = 99, last_attempt_at = 0');
    const last = await Promise.all([one, other, one, other].map((http) => signIn(http, WRONG)));
    expect(last.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    for (const http of [one, other]) expectProblem(await signIn(http, PASSWORD), 401, 'invalid_credentials');
    expect(await sql(database.url, 'SELECT failures FROM password_throttles')).toEqual([{ failures: 100 }]);

    const stops = () => sql(database.url, `SELECT id FROM security_events WHERE type = 'sign_in_stopped'`);
    await expect.poll(async () => (await stops()).length).toBe(1);
    expect((await redeem(one, await forgotten(email))).status).toBe(204);
    for (const http of [one, other]) expect((await signIn(http, NEW_PASSWORD)).status).toBe(200);
    expect(await stops()).toHaveLength(1);
  });
});
