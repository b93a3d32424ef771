import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { login, PASSWORD, register, refresh, someEmail } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { nextMail } from '../support/mail/mails.js';
import { newCodeVerifier } from '../support/app/code-verifier.js';

const THEIR_PASSWORD = 'the passphrase of somebody else';

describe('registration with EMAIL_VERIFICATION=required', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp({ env: { EMAIL_VERIFICATION: 'required' } });
  });
  afterAll(() => test.close());

  const post = (path: string, json: object, token?: string) => test.http.post(path, { json, ...(token && { token }) });
  const registers = (email: string, password: string = PASSWORD, more: object = {}) =>
    post('/auth/register', { email, password, ...more });
  const signsIn = async (email: string, password: string = PASSWORD) =>
    (await post('/auth/login', { email, password })).status;
  const verified = async (email: string, password?: string) => {
    await registers(email, password);
    const { token } = await nextMail(test.http, email);
    expect((await post('/auth/email/verify', { token })).status).toBe(204);
  };

  it('mails a link, and makes the account when the link is used', async () => {
    const email = someEmail();
    const { status, body } = await registers(email);
    expect([status, body]).toEqual([202, undefined]);
    expect(await signsIn(email)).toBe(401);
    const { token } = await nextMail(test.http, email);
    expect((await post('/auth/email/verify', { token })).status).toBe(204);
    const profile = await test.http.get('/users/me', { token: (await login(test.http, email)).access_token });
    expect(profile.body).toMatchObject({ email, emailVerified: true });
  });

  it('responds to a taken address as to a new one, and tells its owner', async () => {
    const email = someEmail();
    await verified(email);
    const [taken, free] = [await registers(email, THEIR_PASSWORD), await registers(someEmail(), THEIR_PASSWORD)];
    const visible = ({ status, headers, body }: typeof taken) => ({
      status,
      body,
      headers: [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
    });
    expect(visible(taken)).toEqual(visible(free));
    const mail = await nextMail(test.http, email, 'already-registered');
    expect(mail.token).toBe('');
    expect([await signsIn(email, THEIR_PASSWORD), await signsIn(email)]).toEqual([401, 200]);
  });

  // arXiv 2205.10174
  it('excludes pre-hijacking: of two registrations one browser has its password', async () => {
    const email = someEmail();
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await registers(email, THEIR_PASSWORD);
    const theirs = await nextMail(test.http, email);
    await registers(email, PASSWORD, { codeChallenge });
    const mine = await nextMail(test.http, email);
    expect((await post('/auth/email/verify', { token: mine.token, codeVerifier })).status).toBe(204);
    expect([await signsIn(email, THEIR_PASSWORD), await signsIn(email)]).toEqual([401, 200]);
    expectProblem(await post('/auth/email/verify', { token: theirs.token }), 400, 'one_time_token_invalid');
    expect([await signsIn(email, THEIR_PASSWORD), await signsIn(email)]).toEqual([401, 200]);
  });

  // arXiv 2205.10174
  it('gives nobody the password of a stranger, whose link was opened (pre-hijacking)', async () => {
    const email = someEmail();
    await registers(email);
    await registers(email, THEIR_PASSWORD);
    await nextMail(test.http, email);
    const theirs = await nextMail(test.http, email);
    expect((await post('/auth/email/verify', { token: theirs.token })).status).toBe(204);
    expect([await signsIn(email, THEIR_PASSWORD), await signsIn(email)]).toEqual([401, 401]);
    await post('/auth/password/forgot', { email });
    const { token } = await nextMail(test.http, email, 'reset-password');
    expect((await post('/auth/password/reset', { token, newPassword: PASSWORD })).status).toBe(204);
    expect([await signsIn(email, THEIR_PASSWORD), await signsIn(email)]).toEqual([401, 200]);
  });

  it('makes one account of two registrations that are confirmed in parallel', async () => {
    const email = someEmail();
    await registers(email);
    await registers(email, THEIR_PASSWORD);
    const tokens = [(await nextMail(test.http, email)).token, (await nextMail(test.http, email)).token];
    const all = await Promise.all(tokens.map((token) => post('/auth/email/verify', { token })));
    expect(all.map(({ status }) => status).sort()).toEqual([204, 400]);
  });

  it('accepts a code challenge for one address: a guess counts for no other', async () => {
    const [one, two] = [someEmail(), someEmail()];
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await registers(one, PASSWORD, { codeChallenge });
    const first = await nextMail(test.http, one);
    await registers(two, PASSWORD, { codeChallenge });
    const second = await nextMail(test.http, two);
    expectProblem(await post('/auth/email/verify', { code: first.code, codeVerifier }), 400, 'one_time_token_invalid');
    expect((await post('/auth/email/verify', { code: second.code, codeVerifier })).status).toBe(204);
  });

  it('accepts a code from the browser that asked, and from no other', async () => {
    const email = someEmail();
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await registers(email, PASSWORD, { codeChallenge });
    const { code } = await nextMail(test.http, email);
    expect(code).toMatch(/^\d{6}$/);
    const other = newCodeVerifier();
    const elsewhere = await post('/auth/email/verify', { code, codeVerifier: other.codeVerifier });
    expectProblem(elsewhere, 400, 'one_time_token_invalid');
    expect((await post('/auth/email/verify', { code, codeVerifier })).status).toBe(204);
    expect(await signsIn(email)).toBe(200);
    expectProblem(await post('/auth/email/verify', { code, codeVerifier }), 400, 'one_time_token_invalid');
  });

  it('accepts no code after ten minutes, while the link is valid for 24 hours', async () => {
    const email = someEmail();
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await registers(email, PASSWORD, { codeChallenge });
    const { code, token } = await nextMail(test.http, email);
    test.clock.move('11m');
    expectProblem(await post('/auth/email/verify', { code, codeVerifier }), 400, 'one_time_token_invalid');
    test.clock.move('23h');
    expect((await post('/auth/email/verify', { token })).status).toBe(204);

    const late = someEmail();
    await registers(late);
    const expired = await nextMail(test.http, late);
    test.clock.move('25h');
    expectProblem(await post('/auth/email/verify', { token: expired.token }), 400, 'one_time_token_invalid');
  });

  it('counts parallel guesses at a code: ten tries, and then not even the right one', async () => {
    const email = someEmail();
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await registers(email, PASSWORD, { codeChallenge });
    const { code, token } = await nextMail(test.http, email);
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    const guesses = await Promise.all(
      Array.from({ length: 40 }, () => post('/auth/email/verify', { code: wrong, codeVerifier })),
    );
    for (const guess of guesses) expectProblem(guess, 400, 'one_time_token_invalid');
    expectProblem(await post('/auth/email/verify', { code, codeVerifier }), 400, 'one_time_token_invalid');
    expect((await post('/auth/email/verify', { token })).status).toBe(204);
  });

  // CVE-2026-53517
  it('redeems a link once under concurrency', async () => {
    const email = someEmail();
    await registers(email);
    const { token } = await nextMail(test.http, email);
    const all = await Promise.all(Array.from({ length: 8 }, () => post('/auth/email/verify', { token })));
    expect(all.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(7).fill(400)]);
  });

  it('refuses an account that is not verified as it refuses a wrong password', async () => {
    const email = someEmail();
    await verified(email);
    expect(await signsIn(email)).toBe(200);
    await test.dataSource.query(`UPDATE users SET email_verified_at = NULL WHERE email = '${email}'`);
    const right = await post('/auth/login', { email, password: PASSWORD });
    const wrong = await post('/auth/login', { email, password: THEIR_PASSWORD });
    for (const response of [right, wrong]) expectProblem(response, 401, 'invalid_credentials');
    expect({ ...right.body, requestId: '' }).toEqual({ ...wrong.body, requestId: '' });
    await post('/auth/password/forgot', { email });
    const { token } = await nextMail(test.http, email, 'reset-password');
    expect((await post('/auth/password/reset', { token, newPassword: THEIR_PASSWORD })).status).toBe(204);
    expect(await signsIn(email, THEIR_PASSWORD)).toBe(200);
  });

  it.each([
    ['nothing', {}],
    ['a token and a code', { token: 'a'.repeat(43), code: '123456', codeVerifier: 'b'.repeat(43) }],
    ['a code alone', { code: '123456' }],
    ['a short token', { token: 'a' }],
    ['a code of letters', { code: 'abcdef', codeVerifier: 'b'.repeat(43) }],
    ['null', { token: null }],
  ])('refuses %s', async (_, json) => {
    expectProblem(await post('/auth/email/verify', json), 400, 'validation_failed');
  });
});

describe('the first proof of a mailbox, where addresses need none', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const post = (path: string, json: object, token?: string) => test.http.post(path, { json, ...(token && { token }) });
  const whoami = async (token: string) => (await test.http.get('/auth/whoami', { token })).status;
  const signsIn = async (email: string) => (await post('/auth/login', { email, password: PASSWORD })).status;
  const isVerified = async (token: string) =>
    (await test.http.get('/users/me', { token })).body.emailVerified as boolean;

  async function asksForMail() {
    const { email, tokens } = await register(test.http);
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    const { status, body } = await post('/auth/email/verification', { codeChallenge }, tokens.access_token);
    expect([status, body]).toEqual([202, undefined]);
    return { email, tokens, codeVerifier, mail: await nextMail(test.http, email) };
  }

  // arXiv 2205.10174
  it('removes password, sessions and links from before (pre-hijacking)', async () => {
    const { email, tokens, mail } = await asksForMail();
    await post('/auth/password/forgot', { email });
    const reset = await nextMail(test.http, email);
    expect((await post('/auth/email/verify', { token: mail.token })).status).toBe(204);
    expect(await whoami(tokens.access_token)).toBe(401);
    expect((await refresh(test.http, tokens.refresh_token)).body.code).toBe('session_revoked');
    expect(await signsIn(email)).toBe(401);
    const late = await post('/auth/password/reset', { token: reset.token, newPassword: 'an even longer passphrase' });
    expectProblem(late, 400, 'one_time_token_invalid');
  });

  it('keeps them for the browser that is signed in, or enters the code', async () => {
    const signedIn = await asksForMail();
    const { access_token } = signedIn.tokens;
    expect((await post('/auth/email/verify', { token: signedIn.mail.token }, access_token)).status).toBe(204);
    const { email, tokens, mail, codeVerifier } = await asksForMail();
    expect((await post('/auth/email/verify', { code: mail.code, codeVerifier })).status).toBe(204);
    for (const token of [access_token, tokens.access_token]) {
      expect([await whoami(token), await isVerified(token)]).toEqual([200, true]);
    }
    expect([await signsIn(signedIn.email), await signsIn(email)]).toEqual([200, 200]);
  });

  it('does not count for the access token of another user', async () => {
    const { tokens, mail } = await asksForMail();
    const other = await register(test.http);
    const { status } = await post('/auth/email/verify', { token: mail.token }, other.tokens.access_token);
    expect([status, await whoami(tokens.access_token), await whoami(other.tokens.access_token)]).toEqual([
      204, 401, 200,
    ]);
  });

  it('changes nothing with an access token that has expired or is forged', async () => {
    const { email, tokens, mail } = await asksForMail();
    const verify = (token: string) => post('/auth/email/verify', { token: mail.token }, token);
    expectProblem(await verify(`${tokens.access_token}x`), 401, 'access_token_invalid');
    test.clock.move('16m');
    expectProblem(await verify(tokens.access_token), 401, 'access_token_expired');
    const { access_token } = (await refresh(test.http, tokens.refresh_token)).body;
    expect((await verify(access_token)).status).toBe(204);
    expect([await whoami(access_token), await signsIn(email)]).toEqual([200, 200]);
  });

  it('by a reset of the password ends what was there before', async () => {
    const { email, tokens } = await register(test.http);
    await post('/auth/password/forgot', { email });
    const { token } = await nextMail(test.http, email);
    const newPassword = 'an even longer passphrase';
    expect((await post('/auth/password/reset', { token, newPassword })).status).toBe(204);
    expect([await whoami(tokens.access_token), await signsIn(email)]).toEqual([401, 401]);
    const { access_token } = await login(test.http, email, newPassword);
    expect(await isVerified(access_token)).toBe(true);
  });
});
