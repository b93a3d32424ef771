import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PasswordThrottle } from '../../src/rate-limits/password-throttle.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, PASSWORD, refresh, someEmail } from '../support/app/users.js';
import { eventTypes } from '../support/database/security-events.js';
import type { TokenResponse } from '../support/http/http.js';
import { mailsOf, nextMail } from '../support/mail/mails.js';

const FIREFOX = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const HOSTILE = { 'user-agent': 'Chrome/1 Windows; visit https://evil.example/now <b>' };

describe('the mails about security events', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const signUp = async (more: object = {}) => {
    const email = someEmail();
    const json = { email, password: PASSWORD, ...more };
    const { body } = await test.http.post('/auth/register', { json, headers: FIREFOX });
    return { email, tokens: body as TokenResponse & { device_token: string } };
  };
  const signIn = (email: string, headers: Record<string, string>, more: object = {}) =>
    test.http.post('/auth/login', { json: { email, password: PASSWORD, ...more }, headers });

  it('tell of a sign-in on a new device, with its name, address and time', async () => {
    const { email } = await signUp({ name: 'Grace', locale: 'de-AT' });
    await signIn(email, FIREFOX);
    const mail = await nextMail(test.http, email, 'new-sign-in');
    expect(mail.to).toBe(email);
    for (const text of ['Firefox on Linux', '127.0.0.1', 'Guten Tag Grace', 'UTC']) expect(mail.text).toContain(text);
    expect(mail.link).toBe('http://localhost:3000/demo#forgot-password');
  });

  it('contain no text that a sign-in chose (phishing through the user agent)', async () => {
    const { email } = await signUp();
    await signIn(email, HOSTILE);
    const { text, html } = await nextMail(test.http, email, 'new-sign-in');
    expect(text).toContain('Chrome on Windows');
    expect(text + html).not.toMatch(/evil|<b>/);
  });

  it('do not tell of a device that signed in before, nor of the first one', async () => {
    const { email, tokens } = await signUp();
    await signIn(email, FIREFOX, { device_token: tokens.device_token });
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    await test.http.post('/auth/password', { token: tokens.access_token, json, headers: FIREFOX });
    await nextMail(test.http, email, 'password-changed');
    expect((await mailsOf(test.app)).filter(({ to }) => to === email)).toHaveLength(1);
  });

  it('tell of a replayed refresh token, with both devices', async () => {
    const { email, tokens } = await signUp();
    test.clock.move('121s');
    await test.http.get('/auth/whoami', { token: tokens.access_token });
    await test.flush();
    test.clock.move('121s');
    const second = await refresh(test.http, tokens.refresh_token);
    await test.http.get('/auth/whoami', { token: second.body.access_token });
    await test.flush();
    test.clock.move('61s');
    const json = { refresh_token: tokens.refresh_token };
    const replay = await test.http.post('/auth/refresh', { json, headers: HOSTILE });
    expect(replay.body.code).toBe('refresh_token_reused');
    const { text } = await nextMail(test.http, email, 'token-reuse');
    for (const device of ['Firefox on Linux', 'Chrome on Windows']) expect(text).toContain(device);
  });

  it('tell of a password that was reset', async () => {
    const { email } = await signUp();
    await test.http.post('/auth/password/forgot', { json: { email } });
    const { token } = await nextMail(test.http, email, 'reset-password');
    const json = { token, newPassword: 'another long passphrase' };
    await test.http.post('/auth/password/reset', { json, headers: FIREFOX });
    expect((await nextMail(test.http, email, 'password-changed')).text).toContain('Firefox on Linux');
  });

  it('tell that sign-ins were stopped', async () => {
    const { email, tokens } = await signUp();
    test.app.get(PasswordThrottle).reportStopped(claimsOf(tokens.access_token)['sub'] as string);
    expect((await nextMail(test.http, email, 'sign-in-stopped')).text).toContain('#forgot-password');
    expect(await eventTypes(test, claimsOf(tokens.access_token)['sub'] as string)).toContain('sign_in_stopped');
  });
});

describe('the security events of accounts', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp({ env: { EMAIL_VERIFICATION: 'required' } });
  });
  afterAll(() => test.close());

  const post = (path: string, json: object, token?: string) => test.http.post(path, { json, ...(token && { token }) });

  it('are recorded from the registration to the deletion, and in the export', async () => {
    const [email, newEmail] = [someEmail(), someEmail()];
    const newPassword = 'another long passphrase';
    await post('/auth/register', { email, password: PASSWORD });
    await post('/auth/email/verify', { token: (await nextMail(test.http, email)).token });
    await post('/auth/password/forgot', { email });
    const { token } = await nextMail(test.http, email, 'reset-password');
    await post('/auth/password/reset', { token, newPassword });
    const signIn = async () => (await post('/auth/login', { email, password: newPassword })).body as TokenResponse;
    const { access_token } = await signIn();
    await post('/auth/reauthenticate', { password: newPassword }, access_token);
    await post('/auth/email/change', { newEmail, password: newPassword }, access_token);
    await post('/auth/email/change/confirm', { token: (await nextMail(test.http, newEmail)).token });
    await post('/auth/email/change/undo', { token: (await nextMail(test.http, email, 'email-changed')).token });
    const last = await signIn();
    const exported = await test.http.get('/users/me/export', { token: last.access_token });
    await post('/users/me/deletion', { password: newPassword }, last.access_token);
    const expected = [
      'registered',
      'password_reset_requested',
      'password_reset',
      'sign_in',
      'reauthenticated',
      'email_change_requested',
      'email_changed',
      'email_change_undone',
      'sign_in',
      'new_device',
      'account_deleted',
    ];
    expect(await eventTypes(test, claimsOf(access_token)['sub'] as string)).toEqual(expected);
    const inExport = (exported.body.securityEvents as { type: string }[]).map(({ type }) => type).toReversed();
    expect(inExport).toEqual(expected.slice(0, -1));
  });
});
