import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { UserChangesService } from '../../src/sessions/user-changes.service.js';
import { SessionsService } from '../../src/sessions/sessions.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { holdNext } from '../support/app/barrier.js';
import type { ProblemBody, TokenResponse } from '../support/http/http.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/app/users.js';
import { expectProblem, expectRefused, fieldsOf, stateOf } from '../support/http/problems.js';
import { Rows } from '../support/database/rows.js';

const NEW_PASSWORD = 'another long passphrase';

describe('a change of password', () => {
  let test: TestApp;
  const rows = new Rows(() => test);
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const change = (token: string, newPassword: string = NEW_PASSWORD, currentPassword: string = PASSWORD) =>
    test.http.post<TokenResponse & ProblemBody>('/auth/password', { token, json: { currentPassword, newPassword } });
  const logsIn = async (email: string, password: string) =>
    (await test.http.post('/auth/login', { json: { email, password } })).status === 200;
  const whoami = (tokens: TokenResponse) => test.http.get<ProblemBody>('/auth/whoami', { token: tokens.access_token });

  it('returns the tokens of a new session, in a response that is not cacheable', async () => {
    const { email, tokens } = await register(test.http);
    const { status, headers, body } = await change(tokens.access_token);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(Object.keys(body).sort()).toEqual(Object.keys(tokens).sort());
    expect(await rows.activeSessions(email)).toEqual([body.session_id]);
    expect((await whoami(body)).body).toMatchObject({ sessionId: body.session_id });
    expect((await refresh(test.http, body.refresh_token)).status).toBe(200);
  });

  it('keeps the roles', async () => {
    const { email } = await register(test.http);
    await test.dataSource.query(`UPDATE users SET roles = '["admin"]' WHERE email = '${email}'`);
    const { body } = await change((await login(test.http, email)).access_token);
    expect(claimsOf(body.access_token)).toMatchObject({ roles: ['admin'], gen: 1 });
  });

  it('revokes all earlier sessions and their access tokens at once', async () => {
    const { email, tokens } = await register(test.http);
    const before = [tokens, await login(test.http, email), await login(test.http, email)];
    expect((await change(tokens.access_token)).status).toBe(200);
    for (const old of before) {
      const guarded = expectProblem(await whoami(old), 401, 'session_revoked');
      expect(guarded).toMatchObject({ terminal: true, session_id: old.session_id });
      const refused = expectProblem(await refresh(test.http, old.refresh_token), 401, 'session_revoked');
      expect(refused).toMatchObject({ terminal: true, session_id: old.session_id, reason: 'credentials_changed' });
    }
  });

  it('keeps them revoked until their access tokens have expired', async () => {
    const { tokens } = await register(test.http);
    const { body } = await change(tokens.access_token);
    test.clock.move('14m');
    // Another revocation lets the cache drop expired entries.
    const other = await register(test.http);
    expect((await test.http.post('/auth/logout', { token: other.tokens.access_token })).status).toBe(204);
    expectProblem(await whoami(tokens), 401, 'session_revoked');
    test.clock.move('2m');
    expectProblem(await whoami(tokens), 401, 'access_token_expired');
    expect(expectProblem(await refresh(test.http, tokens.refresh_token), 401, 'session_revoked').terminal).toBe(true);
    expect((await refresh(test.http, body.refresh_token)).status).toBe(200);
  });

  it('replaces the password, and stores only its hash', async () => {
    const { email, tokens } = await register(test.http);
    const before = await rows.hashOf(email);
    await change(tokens.access_token);
    expect([await logsIn(email, PASSWORD), await logsIn(email, NEW_PASSWORD)]).toEqual([false, true]);
    expect(await rows.hashOf(email)).not.toBe(before);
    expect(await rows.hashOf(email)).toMatch(/^\{hs384:1\}\$2b\$04\$[./A-Za-z0-9]{53}$/);
    expect(JSON.stringify(await stateOf(test))).not.toContain(NEW_PASSWORD);
  });

  it('requires the current password, and changes nothing without it', async () => {
    const { email, tokens } = await register(test.http);
    for (const wrong of ['not the passphrase', `${PASSWORD} `, PASSWORD.toUpperCase(), NEW_PASSWORD, '\ud800']) {
      const options = { token: tokens.access_token, json: { currentPassword: wrong, newPassword: NEW_PASSWORD } };
      const problem = await expectRefused(test, 'POST /auth/password', options, 403, 'current_password_wrong');
      expect(problem.terminal).toBe(false);
    }
    expect((await whoami(tokens)).status).toBe(200);
    expect(await logsIn(email, NEW_PASSWORD)).toBe(false);
  });

  it('checks the current password before it reports errors of the new one', async () => {
    const { tokens } = await register(test.http);
    const options = { token: tokens.access_token, json: { currentPassword: 'wrong', newPassword: 'short' } };
    expect(
      (await expectRefused(test, 'POST /auth/password', options, 403, 'current_password_wrong')).errors,
    ).toBeUndefined();
  });

  it('applies the password policy to the new password, and reports the violation', async () => {
    const { email, tokens } = await register(test.http);
    await test.http.patch('/users/me', { token: tokens.access_token, json: { name: 'Augusta Ada King' } });
    const own = [email, email.toUpperCase(), 'Augusta Ada King', 'king augusta ada', 'Latchkey-Latchkey'];
    for (const newPassword of ['short', '🐙'.repeat(14), 'x'.repeat(257), `${PASSWORD}\ud800`, ...own]) {
      const options = { token: tokens.access_token, json: { currentPassword: PASSWORD, newPassword } };
      const problem = await expectRefused(test, 'POST /auth/password', options, 400, 'password_rejected');
      expect(problem.errors).toEqual([
        { field: 'newPassword', message: expect.stringMatching(/^(The password |Too easy to guess: ).+\.$/) },
      ]);
    }
    expect((await whoami(tokens)).status).toBe(200);
  });

  it.each([
    [{}, ['currentPassword', 'newPassword']],
    [{ currentPassword: PASSWORD }, ['newPassword']],
    [{ newPassword: NEW_PASSWORD }, ['currentPassword']],
    [{ currentPassword: PASSWORD, newPassword: '' }, ['newPassword']],
    [{ currentPassword: PASSWORD, newPassword: NEW_PASSWORD, userId: 'x' }, ['userId']],
    [{ current_password: PASSWORD, newPassword: NEW_PASSWORD }, ['currentPassword', 'current_password']],
  ])('requires both passwords and refuses other fields: %j', async (json, fields) => {
    const { tokens } = await register(test.http);
    const options = { token: tokens.access_token, json };
    expect(fieldsOf(await expectRefused(test, 'POST /auth/password', options, 400, 'validation_failed'))).toEqual(
      fields,
    );
  });

  it('requires an access token besides the password', async () => {
    await register(test.http);
    const json = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    const problem = await expectRefused(test, 'POST /auth/password', { json }, 401, 'access_token_missing');
    expect(problem.terminal).toBe(false);
  });

  it('succeeds once when two run in parallel', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    const barriers = [holdNext(test, 'verify'), holdNext(test, 'verify')];
    const [first, second] = [
      change(tokens.access_token, 'the first of two'),
      change(other.access_token, 'the second of two'),
    ];
    await Promise.all(barriers.map(({ reached }) => reached));
    for (const barrier of barriers) barrier.open();
    const responses = await Promise.all([first, second]);

    const won = responses.findIndex(({ status }) => status === 200);
    expectProblem(responses[1 - won]!, 403, 'current_password_wrong');
    expect(await rows.activeSessions(email)).toEqual([responses[won]!.body.session_id]);
    const passwords = ['the first of two', 'the second of two'];
    expect(await logsIn(email, passwords[won]!)).toBe(true);
    expect(await logsIn(email, passwords[1 - won]!)).toBe(false);
  });

  it('does not affect another user with the same password', async () => {
    const [ada, grace] = [await register(test.http), await register(test.http)];
    const before = await rows.hashOf(grace.email);
    expect(before).not.toBe(await rows.hashOf(ada.email));
    await change(ada.tokens.access_token);
    expect(await rows.hashOf(grace.email)).toBe(before);
    expect((await whoami(grace.tokens)).status).toBe(200);
    expect((await refresh(test.http, grace.tokens.refresh_token)).status).toBe(200);
    expect(await logsIn(grace.email, PASSWORD)).toBe(true);
  });

  it('is rolled back when the new session fails', async () => {
    const { email, tokens } = await register(test.http);
    const before = await stateOf(test);
    vi.spyOn(test.app.get(SessionsService), 'start').mockRejectedValueOnce(new Error('lost in the middle'));
    expectProblem(await change(tokens.access_token), 500, 'internal_error');
    expect(await stateOf(test)).toEqual(before);
    expect((await whoami(tokens)).status).toBe(200);
    expect([await logsIn(email, PASSWORD), await logsIn(email, NEW_PASSWORD)]).toEqual([true, false]);
  });

  it('is refused when the user is disabled during it', async () => {
    const { email, tokens } = await register(test.http);
    const hash = await rows.hashOf(email);
    const barrier = holdNext(test, 'verify');
    const slow = change(tokens.access_token);
    await barrier.reached;
    await rows.disable(email);
    barrier.open();
    const refusal = expectProblem(await slow, 401, 'session_revoked');
    expect(refusal).toMatchObject({ terminal: true, session_id: tokens.session_id, reason: 'user_inactive' });
    expect(await rows.hashOf(email)).toBe(hash);
    expect(await rows.activeSessions(email)).toEqual([tokens.session_id]);
  });

  it('is refused as outdated when roles change during it, and succeeds after a refresh', async () => {
    const { tokens } = await register(test.http);
    const barrier = holdNext(test, 'verify');
    const slow = change(tokens.access_token);
    await barrier.reached;
    await test.app.get(UserChangesService, { strict: false }).applyChange(String(claimsOf(tokens.access_token)['sub']));
    barrier.open();
    expect(expectProblem(await slow, 401, 'access_token_outdated').terminal).toBe(false);
    const { body } = await refresh(test.http, tokens.refresh_token);
    expect((await change(body.access_token)).status).toBe(200);
  });
});
