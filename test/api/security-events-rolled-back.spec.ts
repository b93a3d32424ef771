import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SecurityEvents } from '../../src/audit/security-events.js';
import { Database, type Statements } from '../../src/database/database.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { newUser, WRITES } from '../support/app/outage.js';
import { expectProblem, stateOf } from '../support/http/problems.js';
import { claimsOf, login, PASSWORD, refresh, register, someEmail } from '../support/app/users.js';
import { eventTypes, storedEvents } from '../support/database/security-events.js';

/** Of `WRITES`, those that record events. */
const { refresh: _refresh, rename: _rename, ...RECORDED } = WRITES;

describe('a security event', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => test.close());

  /** Everything of a transaction succeeds, and then it is rolled back. */
  function failAtTheEnd(): void {
    const database = test.app.get(Database);
    const transaction = database.transaction.bind(database);
    vi.spyOn(database, 'transaction').mockImplementation((work) =>
      transaction(async (statements) => {
        await work(statements);
        throw new Error('rolled back');
      }),
    );
  }

  it.each(Object.entries(RECORDED))('of a transaction that is rolled back is not stored: %s', async (_, call) => {
    const user = await newUser(test);
    const before = { events: await storedEvents(test), state: await stateOf(test) };
    const recorded = vi.spyOn(SecurityEvents.prototype, 'recordAll');
    failAtTheEnd();
    expectProblem(await call(test, user), 500, 'internal_error');
    expect(recorded).toHaveBeenCalledOnce();
    vi.restoreAllMocks();
    expect({ events: await storedEvents(test), state: await stateOf(test) }).toEqual(before);
  });

  it.each(Object.entries(RECORDED))('that cannot be stored rolls back what happened: %s', async (_, call) => {
    const user = await newUser(test);
    const before = { events: await storedEvents(test), state: await stateOf(test) };
    const record = SecurityEvents.prototype.recordAll;
    vi.spyOn(SecurityEvents.prototype, 'recordAll').mockImplementation(async function (
      this: SecurityEvents,
      events,
      on: Statements,
    ) {
      await record.call(this, events, on);
      throw new Error('not stored');
    });
    expectProblem(await call(test, user), 500, 'internal_error');
    vi.restoreAllMocks();
    expect({ events: await storedEvents(test), state: await stateOf(test) }).toEqual(before);
  });

  it('of detected reuse is stored with the revocation, or neither is', async () => {
    const { tokens } = await register(test.http);
    await refresh(test.http, tokens.refresh_token);
    await test.flush();
    test.clock.move('121s');
    const second = (await refresh(test.http, tokens.refresh_token)).body;
    await refresh(test.http, second.refresh_token);
    await test.flush();
    test.clock.move('61s');
    const userId = claimsOf(tokens.access_token)['sub'] as string;
    failAtTheEnd();
    expectProblem(await refresh(test.http, tokens.refresh_token), 500, 'internal_error');
    vi.restoreAllMocks();
    expect(await eventTypes(test, userId)).toEqual(['registered', 'sign_in']);
    expectProblem(await refresh(test.http, tokens.refresh_token), 401, 'refresh_token_reused');
    expect(await eventTypes(test, userId)).toEqual(['registered', 'sign_in', 'reuse_detected']);
  });

  it('is not stored for a registration or change of password that is refused', async () => {
    const { email, tokens } = await register(test.http);
    const before = await storedEvents(test);
    expectProblem(await test.http.post('/auth/register', { json: { email, password: PASSWORD } }), 409, 'email_taken');
    const json = { currentPassword: 'not the password at all', newPassword: `${PASSWORD}, a new one` };
    const change = await test.http.post('/auth/password', { token: tokens.access_token, json });
    expectProblem(change, 403, 'current_password_wrong');
    expect(await storedEvents(test)).toEqual(before);
  });

  it('is stored once for parallel logouts of one session, and for parallel revocations', async () => {
    const { email, tokens } = await register(test.http);
    const other = await login(test.http, email);
    const userId = claimsOf(tokens.access_token)['sub'] as string;
    const ten = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, call));
    await ten(() => test.http.delete(`/sessions/${other.session_id}`, { token: tokens.access_token }));
    await ten(() => test.http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } }));
    const signIns = ['registered', 'sign_in', 'sign_in', 'new_device'];
    expect(await eventTypes(test, userId)).toEqual([...signIns, 'session_revoked', 'logout']);
  });

  it('of a registration with a taken address belongs to no user', async () => {
    const email = someEmail();
    const responses = await Promise.all(
      Array.from({ length: 3 }, () => test.http.post('/auth/register', { json: { email, password: PASSWORD } })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const users = await test.dataSource.query<{ id: string }[]>('SELECT id FROM users');
    const known = new Set(users.map(({ id }) => id));
    expect((await storedEvents(test)).filter(({ userId }) => !known.has(userId))).toEqual([]);
  });
});
