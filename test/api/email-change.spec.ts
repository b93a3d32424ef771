import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OutboxDelivery } from '../../src/mail/outbox-delivery.js';
import { Outbox } from '../../src/mail/outbox.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { newCodeVerifier } from '../support/app/code-verifier.js';
import { login, PASSWORD, register, someEmail } from '../support/app/users.js';
import { expectProblem, fieldsOf } from '../support/http/problems.js';
import { mailsOf, nextMail } from '../support/mail/mails.js';

describe('a change of address', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const post = (path: string, json: object, token?: string) => test.http.post(path, { json, ...(token && { token }) });
  const confirm = (token: string) => post('/auth/email/change/confirm', { token });
  const undo = (token: string) => post('/auth/email/change/undo', { token });
  const emailOf = async (token: string) => (await test.http.get('/users/me', { token })).body.email as string;
  const signsIn = async (email: string) => (await post('/auth/login', { email, password: PASSWORD })).status;

  async function asks(user?: { email: string; access_token: string }, newEmail: string = someEmail()) {
    const { email, access_token } = user ?? (await newUser());
    const { status, body } = await post('/auth/email/change', { newEmail, password: PASSWORD }, access_token);
    expect([status, body]).toEqual([202, undefined]);
    return { email, newEmail, access_token };
  }
  async function newUser() {
    const { email, tokens } = await register(test.http);
    return { email, access_token: tokens.access_token };
  }
  /** Asks and confirms. */
  async function changes(user?: { email: string; access_token: string }) {
    const { email, newEmail, access_token } = await asks(user);
    const requested = await nextMail(test.http, email);
    expect((await confirm((await nextMail(test.http, newEmail)).token)).status).toBe(204);
    return { email, newEmail, access_token, requested, changed: await nextMail(test.http, email) };
  }

  it('happens when the new mailbox confirms, keeps `sub` and the sessions', async () => {
    const { email, newEmail, access_token } = await asks();
    expect(await emailOf(access_token)).toBe(email);
    const me = (await test.http.get('/users/me', { token: access_token })).body.id as string;
    expect((await confirm((await nextMail(test.http, newEmail)).token)).status).toBe(204);
    const profile = await test.http.get('/users/me', { token: access_token });
    expect(profile.body).toMatchObject({ id: me, email: newEmail, emailVerified: true });
    expect([await signsIn(email), await signsIn(newEmail)]).toEqual([401, 200]);
  });

  it('is told to both mailboxes, when it is asked for and when it happens', async () => {
    const { newEmail, requested, changed } = await changes();
    for (const { text } of [requested, changed]) expect(text).toContain(newEmail);
    expect(requested.token).not.toBe(changed.token);
  });

  it('needs the password, and an authentication of the last ten minutes', async () => {
    const { access_token } = await newUser();
    const wrong = await post('/auth/email/change', { newEmail: someEmail(), password: 'wrong' }, access_token);
    expectProblem(wrong, 403, 'current_password_wrong');
    test.clock.move('11m');
    const stale = await post('/auth/email/change', { newEmail: someEmail(), password: PASSWORD }, access_token);
    expectProblem(stale, 403, 'reauthentication_required');
  });

  it('to the own address is refused', async () => {
    const { email, access_token } = await newUser();
    const response = await post(
      '/auth/email/change',
      { newEmail: email.toUpperCase(), password: PASSWORD },
      access_token,
    );
    expect(fieldsOf(expectProblem(response, 400, 'validation_failed'))).toEqual(['newEmail']);
  });

  it('to a taken address gets the same response, and a mail to its owner alone', async () => {
    const owner = await newUser();
    const { email } = await asks(undefined, owner.email);
    expect((await nextMail(test.http, owner.email)).token).toBe('');
    expect((await nextMail(test.http, email)).token).not.toBe('');
    expect([await emailOf(owner.access_token), await signsIn(email)]).toEqual([owner.email, 200]);
  });

  it('is refused when somebody else registers the new address first', async () => {
    const { newEmail } = await asks();
    const { token } = await nextMail(test.http, newEmail);
    await register(test.http, newEmail);
    expectProblem(await confirm(token), 409, 'email_taken');
  });

  it('accepts the code in the browser that asked', async () => {
    const { access_token } = await newUser();
    const newEmail = someEmail();
    const { codeVerifier, codeChallenge } = newCodeVerifier();
    await post('/auth/email/change', { newEmail, password: PASSWORD, codeChallenge }, access_token);
    const { code } = await nextMail(test.http, newEmail);
    expect((await post('/auth/email/change/confirm', { code, codeVerifier })).status).toBe(204);
    expect(await emailOf(access_token)).toBe(newEmail);
  });

  it('replaces an earlier one that nobody confirmed', async () => {
    const user = await newUser();
    const first = await nextMail(test.http, (await asks(user)).newEmail);
    const second = await asks(user);
    expectProblem(await confirm(first.token), 400, 'one_time_token_invalid');
    expect((await confirm((await nextMail(test.http, second.newEmail)).token)).status).toBe(204);
  });

  it('asked for before a change of the password is not mailed after it', async () => {
    const delivery = vi.spyOn(test.app.get(OutboxDelivery, { strict: false }), 'deliverNext').mockResolvedValue(null);
    const { email, newEmail, access_token } = await asks();
    const changed = { currentPassword: PASSWORD, newPassword: `${PASSWORD}, a new one` };
    expect((await post('/auth/password', changed, access_token)).status).toBe(200);
    delivery.mockRestore();
    test.app.get(Outbox, { strict: false }).wake();
    // Mails are sent in their order.
    await nextMail(test.http, email, 'password-changed');
    expect((await mailsOf(test.app)).filter(({ to }) => to === newEmail)).toEqual([]);
  });

  it('is undone by the old mailbox, which ends all sessions', async () => {
    const { email, newEmail, access_token, changed } = await changes();
    expect((await undo(changed.token)).status).toBe(204);
    expectProblem(await test.http.get('/auth/whoami', { token: access_token }), 401, 'session_revoked');
    expect([await signsIn(newEmail), await signsIn(email)]).toEqual([401, 200]);
    expectProblem(await undo(changed.token), 400, 'one_time_token_invalid');
    await nextMail(test.http, email);
  });

  it('can be undone before it is confirmed', async () => {
    const { email, newEmail } = await asks();
    const [old, next] = [await nextMail(test.http, email), await nextMail(test.http, newEmail)];
    expect((await undo(old.token)).status).toBe(204);
    expectProblem(await confirm(next.token), 400, 'one_time_token_invalid');
  });

  it('can be undone for seven days, also after the password was changed', async () => {
    const { email, access_token, changed } = await changes();
    const json = { currentPassword: PASSWORD, newPassword: 'the passphrase of a thief' };
    expect((await test.http.post('/auth/password', { token: access_token, json })).status).toBe(200);
    test.clock.move('167h');
    expect((await undo(changed.token)).status).toBe(204);
    expect((await post('/auth/login', { email, password: json.newPassword })).status).toBe(200);
    const late = await changes();
    test.clock.move('169h');
    expectProblem(await undo(late.changed.token), 400, 'one_time_token_invalid');
  });

  it('keeps the old address for its owner as long as it can be undone', async () => {
    const { email, changed } = await changes();
    expectProblem(await post('/auth/register', { email, password: PASSWORD }), 409, 'email_taken');
    const thief = await asks(undefined, email);
    expect((await undo(changed.token)).status).toBe(204);
    expect([await signsIn(email), await signsIn(thief.email)]).toEqual([200, 200]);
  });

  it('cannot be defended by an undo of a later change', async () => {
    const first = await changes();
    const second = await changes({ email: first.newEmail, access_token: first.access_token });
    expect((await undo(second.changed.token)).status).toBe(204);
    expect((await undo(first.changed.token)).status).toBe(204);
    expect([await signsIn(first.email), await signsIn(first.newEmail)]).toEqual([200, 401]);
    expectProblem(await undo(second.requested.token), 400, 'one_time_token_invalid');
  });

  it('is confirmed once under concurrency', async () => {
    const { newEmail } = await asks();
    const { token } = await nextMail(test.http, newEmail);
    const all = await Promise.all(Array.from({ length: 6 }, () => confirm(token)));
    expect(all.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400, 400]);
  });

  it('of two accounts to one address happens for one of them', async () => {
    const newEmail = someEmail();
    const [one, two] = [await asks(undefined, newEmail), await asks(undefined, newEmail)];
    const tokens = [await nextMail(test.http, newEmail), await nextMail(test.http, newEmail)];
    const all = await Promise.all(tokens.map(({ token }) => confirm(token)));
    expect(all.map(({ status }) => status).sort()).toEqual([204, 409]);
    const emails = [await emailOf(one.access_token), await emailOf(two.access_token)];
    expect(emails.filter((email) => email === newEmail)).toHaveLength(1);
  });

  it('leaves the other sign-ins of the account as they are', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    const { newEmail } = await changes({ email, access_token: tokens.access_token });
    expect(await emailOf(other.access_token)).toBe(newEmail);
  });

  // arXiv 2205.10174
  it('leaves an address unverified that was so before the undo (pre-hijacking)', async () => {
    const victim = someEmail();
    const { tokens } = await register(test.http, victim);
    const { requested, changed } = await changes({ email: victim, access_token: tokens.access_token });
    expect((await undo(changed.token)).status).toBe(204);
    const { access_token } = await login(test.http, victim);
    expect((await test.http.get('/users/me', { token: access_token })).body.emailVerified).toBe(false);
    expectProblem(await undo(requested.token), 400, 'one_time_token_invalid');
  });
});
