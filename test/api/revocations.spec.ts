import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/database/database.js';
import { UserChangesService } from '../../src/sessions/user-changes.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { throwawayDatabase } from '../support/database/database.js';
import { claimsOf, login, PASSWORD, refresh, register } from '../support/app/users.js';
import { watchStatements } from '../support/database/statements.js';

const ACCESS_TTL = 15 * 60_000;
const TOLERANCE = 60_000;

interface Row {
  subject: string;
  ver: number;
  until: number;
}

describe('a revocation', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const revocations = () => test.app.get(Database).write<Row>('SELECT subject, ver, until FROM revocations');
  const reasonOf = async (id: string) => {
    const [row] = await test.app
      .get(Database)
      .write<{ revoked_reason: string }>('SELECT revoked_reason FROM sessions WHERE id = $1::uuid', [id]);
    return row!.revoked_reason;
  };

  /** The revocation is stored for the lifetime of an access token and a minute more. */
  async function expectRevoked(sessionId: string, reason: string) {
    const row = (await revocations()).find(({ subject }) => subject === `session:${sessionId}`);
    const longest = test.clock.now() + ACCESS_TTL + TOLERANCE;
    expect(row?.until).toBeGreaterThan(longest - 30_000);
    expect(row?.until).toBeLessThanOrEqual(longest);
    expect(await reasonOf(sessionId)).toBe(reason);
  }

  it('is stored for the access tokens of the session: logout', async () => {
    const { tokens } = await register(test.http);
    await test.http.post('/auth/logout', { token: tokens.access_token });
    await expectRevoked(tokens.session_id, 'logout');
  });

  it('is stored for the access tokens of the session: revoked by its user, one and all', async () => {
    const { email, tokens } = await register(test.http);
    const [one, two] = [await login(test.http, email), await login(test.http, email)];
    await test.http.delete(`/sessions/${one.session_id}`, { token: tokens.access_token });
    await expectRevoked(one.session_id, 'ended_by_user');
    await test.http.delete('/sessions', { token: tokens.access_token });
    await expectRevoked(two.session_id, 'ended_by_user');
    await expectRevoked(tokens.session_id, 'ended_by_user');
  });

  it('is stored for the access tokens of the session: replayed refresh token', async () => {
    const { tokens } = await register(test.http);
    let newest = tokens;
    for (let i = 0; i < 2; i++) {
      await test.http.get('/auth/whoami', { token: newest.access_token });
      await test.flush();
      test.clock.move('121s');
      newest = (await refresh(test.http, newest.refresh_token)).body;
    }
    await refresh(test.http, tokens.refresh_token);
    await expectRevoked(tokens.session_id, 'reused');
  });

  it('is stored for all earlier access tokens of the user: change of password', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    const { body } = await test.http.post('/auth/password', {
      token: tokens.access_token,
      json: { currentPassword: PASSWORD, newPassword: 'quite another passphrase' },
    });
    await expectRevoked(tokens.session_id, 'credentials_changed');
    await expectRevoked(other.session_id, 'credentials_changed');
    const { body: me } = await test.http.get('/auth/whoami', { token: body.access_token });
    expect(await revocations()).toContainEqual(
      expect.objectContaining({ subject: `user:${me.userId}`, ver: expect.any(Number) }),
    );
  });

  it('is committed together with the change of the session, or not at all', async () => {
    const { tokens } = await register(test.http);
    const database = test.app.get(Database);
    await database.write('ALTER TABLE revocations RENAME TO revocations_away');
    const { status } = await test.http.post('/auth/logout', { token: tokens.access_token });
    await database.write('ALTER TABLE revocations_away RENAME TO revocations');
    expect(status).toBe(500);
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
    expect((await refresh(test.http, tokens.refresh_token)).status).toBe(200);
  });
});

describe('a process that starts', () => {
  it('has loaded all revocations before it serves a request', async () => {
    const database = await throwawayDatabase();
    const first = await createTestApp({ databaseUrl: database.url });
    const { tokens } = await register(first.http);
    await first.http.post('/auth/logout', { token: tokens.access_token });
    await first.close();
    const second = await createTestApp({ databaseUrl: database.url });
    const statements = watchStatements();
    expect((await second.http.get('/auth/whoami', { token: tokens.access_token })).body.code).toBe('session_revoked');
    expect(statements.taken()).toEqual([]);
    statements.stop();
    await second.close();
    await database.drop();
  });
});

describe('access tokens issued before a change of the user', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  const change = ({ app }: TestApp, userId: string, set: string) =>
    app
      .get(UserChangesService)
      .applyChange(userId, (transaction) => transaction.write(`UPDATE users SET ${set} WHERE id = $1::uuid`, [userId]));

  it('never get a token version twice, even after a failover that lost a change', async () => {
    const { tokens } = await register(test.http);
    const { sub: userId, ver: before } = claimsOf(tokens.access_token);
    await change(test, userId, `roles = '["admin"]'`);
    const lost = claimsOf((await refresh(test.http, tokens.refresh_token)).body.access_token)['ver'];
    // A failover that lost the change: the row as it was before.
    await test.dataSource.query(`UPDATE users SET ver = ${before} WHERE id = '${userId}'`);
    test.clock.move('2s');
    await change(test, userId, `roles = '["reader"]'`);
    const { body } = await refresh(test.http, tokens.refresh_token);
    expect(claimsOf(body.access_token)['ver']).toBeGreaterThan(lost);
  });

  it('are refused as outdated, not terminal, and a refresh issues current ones', async () => {
    const { tokens } = await register(test.http);
    const { body: me } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    expect(await change(test, me.userId, `roles = '["admin"]'`)).toBe(true);

    const { status, body } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    expect([status, body.code, body.terminal]).toEqual([401, 'access_token_outdated', false]);
    expect(body.session_id).toBe(tokens.session_id);
    const { body: fresh } = await refresh(test.http, tokens.refresh_token);
    expect((await test.http.get('/auth/whoami', { token: fresh.access_token })).body.roles).toEqual(['admin']);
  });

  it('are refused when the user is disabled, and a refresh is refused terminally', async () => {
    const { tokens } = await register(test.http);
    const { body: me } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    await change(test, me.userId, `status = 'disabled'`);
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).body.code).toBe(
      'access_token_outdated',
    );
    const { body } = await refresh(test.http, tokens.refresh_token);
    expect([body.code, body.terminal, body.reason]).toEqual(['session_revoked', true, 'user_inactive']);
  });

  it('stay valid when the change fails', async () => {
    const { tokens } = await register(test.http);
    const { body: me } = await test.http.get('/auth/whoami', { token: tokens.access_token });
    await expect(change(test, me.userId, 'no_such_column = 1')).rejects.toThrow(/no_such_column/);
    expect(await change(test, randomUUID(), 'name = NULL')).toBe(false);
    expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
  });
});
