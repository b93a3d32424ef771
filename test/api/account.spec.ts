import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CredentialsService } from '../../src/auth/credentials.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/app/users.js';
import type { TokenResponse } from '../support/http/http.js';
import { expectProblem, expectRefused } from '../support/http/problems.js';
import { nextMail } from '../support/mail/mails.js';

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

const post = (path: string, json: object, token?: string) => test.http.post(path, { json, ...(token && { token }) });

describe('POST /auth/reauthenticate', () => {
  it('issues tokens of the same session with a new auth_time', async () => {
    const { tokens } = await register(test.http);
    test.clock.move('11m');
    const stale = await test.http.get('/users/me/export', { token: tokens.access_token });
    const problem = expectProblem(stale, 403, 'reauthentication_required');
    expect(problem).toMatchObject({ terminal: false, session_id: tokens.session_id });

    const { status, headers, body } = await post('/auth/reauthenticate', { password: PASSWORD }, tokens.access_token);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(Object.keys(body).sort()).toEqual(
      Object.keys(tokens)
        .filter((key) => key !== 'device_token')
        .sort(),
    );
    const [before, after] = [claimsOf(tokens.access_token), claimsOf((body as TokenResponse).access_token)];
    expect(after).toMatchObject({ sub: before['sub'], sid: before['sid'], gen: before['gen'] });
    expect(after['auth_time'] - before['auth_time']).toBeGreaterThanOrEqual(660);
    expect((await test.http.get('/users/me/export', { token: body.access_token })).status).toBe(200);
    expect((await refresh(test.http, body.refresh_token)).status).toBe(200);
  });

  it('keeps auth_time over refreshes', async () => {
    const { tokens } = await register(test.http);
    test.clock.move('20s');
    const { body } = await post('/auth/reauthenticate', { password: PASSWORD }, tokens.access_token);
    test.clock.move('5m');
    const refreshed = await refresh(test.http, body.refresh_token);
    expect(claimsOf(refreshed.body.access_token)['auth_time']).toBe(claimsOf(body.access_token)['auth_time']);
  });

  it('changes nothing with a wrong password', async () => {
    const { tokens } = await register(test.http);
    const options = { token: tokens.access_token, json: { password: 'wrong' } };
    await expectRefused(test, 'POST /auth/reauthenticate', options, 403, 'current_password_wrong');
  });
});

describe('POST /users/me/deletion', () => {
  it('deletes the user with everything that refers to them', async () => {
    const { email, tokens } = await register(test.http);
    const id = claimsOf(tokens.access_token)['sub'] as string;
    await post('/auth/password/forgot', { email });
    await nextMail(test.http, email);
    expect((await post('/users/me/deletion', { password: PASSWORD }, tokens.access_token)).status).toBe(204);
    for (const [table, column] of [
      ['users', 'id'],
      ['sessions', 'user_id'],
      ['one_time_tokens', 'user_id'],
    ] as const) {
      expect(await test.dataSource.query(`SELECT * FROM ${table} WHERE ${column} = '${id}'`), table).toEqual([]);
    }
    expect((await nextMail(test.http, email)).subject).toMatch(/deleted/);
  });

  // CVE-2026-97056
  it('ends every token at once: sessions do not survive their account', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    await post('/users/me/deletion', { password: PASSWORD }, tokens.access_token);
    for (const { access_token, refresh_token } of [tokens, other]) {
      expectProblem(await test.http.get('/auth/whoami', { token: access_token }), 401, 'session_revoked');
      expectProblem(await refresh(test.http, refresh_token), 401, 'session_revoked');
    }
    expectProblem(await post('/auth/login', { email, password: PASSWORD }), 401, 'invalid_credentials');
  });

  it('does not happen with a password that another request has just changed', async () => {
    const { email, tokens } = await register(test.http);
    const proved = await test.app.get(UsersService).findByEmail({ address: email, canonical: email });
    vi.spyOn(CredentialsService.prototype, 'verifyCaller').mockResolvedValueOnce(proved!);
    await test.dataSource.query(`UPDATE users SET ver = ver + 1 WHERE email = '${email}'`);
    const response = await post('/users/me/deletion', { password: PASSWORD }, tokens.access_token);
    vi.restoreAllMocks();
    expectProblem(response, 403, 'current_password_wrong');
    await login(test.http, email);
  });

  it('leaves the address in no table', async () => {
    const { email, tokens } = await register(test.http);
    await post('/auth/password/forgot', { email });
    await nextMail(test.http, email);
    await post('/users/me/deletion', { password: PASSWORD }, tokens.access_token);
    await nextMail(test.http, email, 'account-deleted');
    const rows = await test.dataSource.query<{ kind: string }[]>(
      `SELECT kind FROM outbox WHERE recipient = '${email}'`,
    );
    // The mail of the deletion itself goes with the purge.
    expect(rows.map(({ kind }) => kind)).toEqual(['account_deleted']);
    expect(await test.dataSource.query(`SELECT * FROM one_time_tokens WHERE email = '${email}'`)).toEqual([]);
  });

  it('frees the address: who registers it is another subject', async () => {
    const { email, tokens } = await register(test.http);
    await post('/users/me/deletion', { password: PASSWORD }, tokens.access_token);
    const again = await register(test.http, email);
    expect(claimsOf(again.tokens.access_token)['sub']).not.toBe(claimsOf(tokens.access_token)['sub']);
    expect((await test.http.get('/sessions', { token: again.tokens.access_token })).body).toHaveLength(1);
  });

  it('needs the password, and an authentication of the last ten minutes', async () => {
    const { tokens } = await register(test.http);
    const route = 'POST /users/me/deletion';
    const token = tokens.access_token;
    await expectRefused(test, route, { token, json: { password: 'wrong' } }, 403, 'current_password_wrong');
    await expectRefused(test, route, { token, json: {} }, 400, 'validation_failed');
    test.clock.move('11m');
    await expectRefused(test, route, { token, json: { password: PASSWORD } }, 403, 'reauthentication_required');
  });

  it('happens once when it is asked for twice at the same time', async () => {
    const { tokens } = await register(test.http);
    const both = [1, 2].map(() => post('/users/me/deletion', { password: PASSWORD }, tokens.access_token));
    const statuses = (await Promise.all(both)).map(({ status }) => status).sort();
    expect(statuses[0]).toBe(204);
    expect([401, 403]).toContain(statuses[1]);
  });
});

describe('GET /users/me/export', () => {
  it('has everything that is stored about the caller, and no secret', async () => {
    const { email, tokens } = await register(test.http);
    await login(test.http, email);
    const { status, headers, body } = await test.http.get('/users/me/export', { token: tokens.access_token });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({ profile: { email, emailVerified: false } });
    expect(body.sessions).toHaveLength(2);
    expect(body.sessions[0]).toMatchObject({ ip: '127.0.0.1', delivery: 'body', revokedAt: null });
    expect(JSON.stringify(body)).not.toMatch(/hs384|\$2b\$/);
  });

  it('has the columns of every table that holds something about a user', async () => {
    const columns = (table: string) =>
      test.dataSource.entityMetadatas.find(({ tableName }) => tableName === table)!.columns.map((c) => c.propertyName);
    // What is left out: hashes, and bookkeeping of rotation that says nothing about the user.
    const left = {
      users: ['emailCanonical', 'passwordHash', 'status', 'tokenVersion', 'updatedAt', 'emailVerifiedAt'],
      sessions: ['userId', 'generation', 'acknowledgedGeneration', 'acknowledgedAt', 'purgeOn'],
    };
    const { tokens } = await register(test.http);
    const { body } = await test.http.get('/users/me/export', { token: tokens.access_token });
    const exported = { users: Object.keys(body.profile), sessions: Object.keys(body.sessions[0]) };
    for (const table of ['users', 'sessions'] as const) {
      const known = columns(table).filter((column) => !left[table].includes(column));
      expect(exported[table], table).toEqual(expect.arrayContaining(known));
    }
  });
});
