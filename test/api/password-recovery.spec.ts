import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { newCodeVerifier } from '../support/app/code-verifier.js';
import { login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import { expectProblem, fieldsOf, stateOf } from '../support/http/problems.js';
import { mailsOf, nextMail } from '../support/mail/mails.js';

const NEW_PASSWORD = 'another long passphrase';

describe('a forgotten password', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const post = (path: string, json: object, headers: Record<string, string> = {}) =>
    test.http.post(path, { json, headers });
  const forgot = (email: string, more: object = {}) => post('/auth/password/forgot', { email, ...more });
  const reset = (proof: object, newPassword: string = NEW_PASSWORD) =>
    post('/auth/password/reset', { ...proof, newPassword });
  const signsIn = async (email: string, password: string) =>
    (await post('/auth/login', { email, password })).status === 200;

  async function forgotten() {
    const { email, tokens } = await register(test.http);
    await forgot(email);
    return { email, tokens, mail: await nextMail(test.http, email) };
  }

  it('is replaced by the link of a mail, which signs nobody in', async () => {
    const { email, mail } = await forgotten();
    const { status, headers, body } = await reset({ token: mail.token });
    expect([status, body, headers.get('set-cookie')]).toEqual([204, undefined, null]);
    expect([await signsIn(email, PASSWORD), await signsIn(email, NEW_PASSWORD)]).toEqual([false, true]);
  });

  it('revokes every session and access token when it is replaced', async () => {
    const { email, tokens, mail } = await forgotten();
    const other = await login(test.http, email);
    await reset({ token: mail.token });
    for (const { access_token, refresh_token } of [tokens, other]) {
      expectProblem(await test.http.get('/auth/whoami', { token: access_token }), 401, 'session_revoked');
      const refused = expectProblem(await refresh(test.http, refresh_token), 401, 'session_revoked');
      expect(refused['reason']).toBe('credentials_changed');
    }
  });

  // GHSA-2wmj-46rj-qm2w
  it('has links of APP_URL alone, whatever Host and X-Forwarded-Host say', async () => {
    const { email } = await register(test.http);
    await post('/auth/password/forgot', { email }, { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'ftp' });
    const { links, html } = await nextMail(test.http, email);
    expect(links.every((link) => link.startsWith('http://localhost:3000/demo#reset-password='))).toBe(true);
    expect(links.length).toBeGreaterThan(0);
    expect(html).not.toContain('evil.example');
  });

  it('gets the same response for a known, an unknown and a disabled address', async () => {
    const [known, disabled] = [await register(test.http), await register(test.http)];
    await test.dataSource.query(`UPDATE users SET status = 'disabled' WHERE email = '${disabled.email}'`);
    const unknown = someEmail();
    const responses = [await forgot(known.email), await forgot(unknown), await forgot(disabled.email)];
    const visible = responses.map(({ status, headers, body }) => ({
      status,
      body,
      headers: [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
    }));
    expect(visible[0]).toMatchObject({ status: 202, body: undefined });
    expect(visible[1]).toEqual(visible[0]);
    expect(visible[2]).toEqual(visible[0]);
    await nextMail(test.http, known.email);
    await forgot(known.email);
    await nextMail(test.http, known.email);
    const to = (await mailsOf(test.app)).map((mail) => mail.to);
    expect(to).not.toContain(unknown);
    expect(to).not.toContain(disabled.email);
  });

  it('goes to the stored address, in whatever spelling it was asked for', async () => {
    const { email } = await register(test.http);
    await forgot(email.toUpperCase());
    expect((await nextMail(test.http, email)).to).toBe(email);
  });

  // CVE-2026-53517
  it('has links that are redeemed once under concurrency', async () => {
    const { email, mail } = await forgotten();
    const passwords = Array.from({ length: 6 }, (_, i) => `the long passphrase number ${'abcdef'[i]}`);
    const all = await Promise.all(passwords.map((password) => reset({ token: mail.token }, password)));
    expect(all.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400, 400]);
    const winner = all.findIndex(({ status }) => status === 204);
    expect(await signsIn(email, passwords[winner]!)).toBe(true);
  });

  it('has links that expire after an hour', async () => {
    const { mail } = await forgotten();
    test.clock.move('61m');
    expectProblem(await reset({ token: mail.token }), 400, 'one_time_token_invalid');
  });

  it('has links that end with any change of the password', async () => {
    const { email, tokens, mail } = await forgotten();
    await forgot(email);
    const second = await nextMail(test.http, email);
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    await test.http.post('/auth/password', { token: tokens.access_token, json: change });
    for (const { token } of [mail, second]) expectProblem(await reset({ token }), 400, 'one_time_token_invalid');
    await forgot(email);
    const third = await nextMail(test.http, email, 'reset-password');
    await forgot(email);
    const fourth = await nextMail(test.http, email, 'reset-password');
    expect((await reset({ token: third.token }, 'one more long passphrase')).status).toBe(204);
    expectProblem(await reset({ token: fourth.token }), 400, 'one_time_token_invalid');
  });

  it('keeps its link valid when the new password is rejected', async () => {
    const { email, mail } = await forgotten();
    const problem = expectProblem(await reset({ token: mail.token }, 'short'), 400, 'password_rejected');
    expect(fieldsOf(problem)).toEqual(['newPassword']);
    expectProblem(await reset({ token: mail.token }, email), 400, 'password_rejected');
    expect((await reset({ token: mail.token })).status).toBe(204);
  });

  it('is replaced by a code in the browser that asked', async () => {
    const { email } = await register(test.http);
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await forgot(email, { codeChallenge });
    const { code } = await nextMail(test.http, email);
    const elsewhere = newCodeVerifier().codeVerifier;
    expectProblem(await reset({ code, codeVerifier: elsewhere }), 400, 'one_time_token_invalid');
    expect((await reset({ code, codeVerifier })).status).toBe(204);
    expect(await signsIn(email, NEW_PASSWORD)).toBe(true);
  });

  it('has no code in its mail where no browser could use one', async () => {
    const { mail } = await forgotten();
    expect(mail.code).toBe('');
  });

  it('has tokens of one kind, which no other route accepts (token confusion)', async () => {
    const { mail } = await forgotten();
    const before = await stateOf(test);
    const routes = ['/auth/email/verify', '/auth/email/change/confirm', '/auth/email/change/undo'];
    for (const path of routes) expectProblem(await post(path, { token: mail.token }), 400, 'one_time_token_invalid');
    expectProblem(await test.http.get('/auth/whoami', { token: mail.token }), 401, 'access_token_invalid');
    expect(await stateOf(test)).toEqual(before);
  });

  it('stores neither token nor code in plain text', async () => {
    const { email } = await register(test.http);
    const { codeChallenge } = newCodeVerifier();
    await forgot(email, { codeChallenge });
    const { token, code } = await nextMail(test.http, email);
    const rows = JSON.stringify(await test.dataSource.query('SELECT * FROM one_time_tokens'));
    expect(rows).not.toContain(token);
    expect(rows).not.toContain(code);
    expect(rows).not.toContain(codeChallenge);
  });
});
