import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PasswordHasher } from '../../src/passwords/password-hasher.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { throwawayDatabase } from '../support/database/database.js';
import { holdNext } from '../support/app/barrier.js';
import { login, PASSWORD, refresh, register } from '../support/app/users.js';
import { expectProblem } from '../support/http/problems.js';
import { Rows } from '../support/database/rows.js';

let test: TestApp;
afterEach(() => {
  vi.restoreAllMocks();
});

const withPassword = (email: string, password: string) => test.http.post('/auth/login', { json: { email, password } });
const rows = new Rows(() => test);

describe('a higher BCRYPT_COST', () => {
  const users: Record<'ada' | 'grace' | 'joan' | 'mary', string> = { ada: '', grace: '', joan: '', mary: '' };
  let before: Awaited<ReturnType<typeof register>>;
  let dropDatabase: () => Promise<void>;
  beforeAll(async () => {
    const { url, drop } = await throwawayDatabase();
    dropDatabase = drop;
    test = await createTestApp({ databaseUrl: url, env: { BCRYPT_COST: '4' } });
    for (const name of ['ada', 'grace', 'joan', 'mary'] as const) {
      before = await register(test.http);
      users[name] = before.email;
    }
    await test.close();
    test = await createTestApp({ databaseUrl: url, env: { BCRYPT_COST: '5' } });
  });
  afterAll(async () => {
    await test.close();
    await dropDatabase();
  });

  it('rehashes at the next sign-in, and revokes no session', async () => {
    expect(await rows.hashOf(users.mary)).toMatch(/^\{hs384:1\}\$2b\$04\$[./A-Za-z0-9]{53}$/);
    await login(test.http, users.mary);
    const replaced = await rows.hashOf(users.mary);
    expect(replaced).toMatch(/^\{hs384:1\}\$2b\$05\$[./A-Za-z0-9]{53}$/);
    expect((await test.http.get('/auth/whoami', { token: before.tokens.access_token })).status).toBe(200);
    expect((await refresh(test.http, before.tokens.refresh_token)).status).toBe(200);
    await login(test.http, users.mary);
    expect(await rows.hashOf(users.mary)).toBe(replaced);
    expectProblem(await withPassword(users.mary, 'not the passphrase'), 401, 'invalid_credentials');
  });

  it('does not rehash at a refused sign-in', async () => {
    const old = await rows.hashOf(users.ada);
    expectProblem(await withPassword(users.ada, 'not the passphrase'), 401, 'invalid_credentials');
    await rows.disable(users.ada);
    expectProblem(await withPassword(users.ada, PASSWORD), 401, 'invalid_credentials');
    expect(await rows.hashOf(users.ada)).toBe(old);
  });

  it('does not fail a sign-in when the rehash fails', async () => {
    const old = await rows.hashOf(users.grace);
    vi.spyOn(test.app.get(PasswordHasher), 'hash').mockRejectedValueOnce(new Error('no'));
    await login(test.http, users.grace);
    expect(await rows.hashOf(users.grace)).toBe(old);
  });

  it('does not restore the old password when a change of password overtakes a rehash', async () => {
    const email = users.joan;
    const barrier = holdNext(test, 'hash');
    const slow = withPassword(email, PASSWORD);
    await barrier.reached;
    // The overtaking sign-in has replaced the hash already.
    const { access_token: token } = await login(test.http, email);
    const json = { currentPassword: PASSWORD, newPassword: 'another long passphrase' };
    const changed = await test.http.post('/auth/password', { token, json });
    expect(changed.status).toBe(200);
    barrier.open();
    expectProblem(await slow, 401, 'invalid_credentials');
    expectProblem(await withPassword(email, PASSWORD), 401, 'invalid_credentials');
    await login(test.http, email, 'another long passphrase');
  });
});
