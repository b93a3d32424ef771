import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.js';
import { judge, type SessionState } from '../../src/sessions/rotation.js';
import { RotationStatements } from '../../src/sessions/rotation-statements.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { claimsOf, refresh, register, registerMany } from '../support/app/users.js';
import { watchStatements } from '../support/database/statements.js';

let test: TestApp;
beforeAll(async () => {
  test = await createTestApp();
});
afterAll(() => test.close());

const NOW = 1_800_000_000_000;
const C = 120_000;

/** Rows around every limit of the rules, and the generation presented to each. */
const cases = fc.record({
  generation: fc.integer({ min: 1, max: 5 }),
  behind: fc.integer({ min: 0, max: 2 }),
  acknowledgedAgo: fc.oneof(
    fc.constantFrom(null, 0, C - 1, C, C + 1, 60_000, 60_001, -1, -5000),
    fc.integer({ min: 0, max: 3 * C }),
  ),
  endsIn: fc.constantFrom(-1, 0, 1, 1_000_000, 2_000_000_000),
  idleEndsIn: fc.constantFrom(-1, 0, 1, 1_000_000),
  revoked: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  active: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  presentedAhead: fc.integer({ min: -2, max: 2 }),
});

describe.each([
  ['with the default policy', {}],
  ['in strict mode', { rotationIntervalMs: 0, leewayMs: 0 }],
  ['without leeway', { leewayMs: 0 }],
])('the statements of a refresh, %s', (_, settings) => {
  it('decide every generated row as the rules do', async () => {
    const config = Object.assign(new Config(), settings);
    const database = test.app.get(Database);
    const statements = new RotationStatements(config, database);
    const users = { active: await insertUser('active'), disabled: await insertUser('disabled') };

    const rows = fc.sample(cases, { numRuns: 400, seed: 20_261_122 }).map((generated) => {
      const state = toState(generated);
      return { id: uuidv7(), state, presented: Math.max(1, state.generation + generated.presentedAhead) };
    });
    await database.write(
      `INSERT INTO sessions (id, user_id, generation, rotated_at, acknowledged_generation, acknowledged_at, created_at,
         expires_at, idle_expires_at, revoked_at, purge_on, ip, user_agent)
       SELECT r.id, r.user_id, r.g, 1, r.a, r.a_at, 1, r.ends, r.idle, r.revoked, 0, '', ''
       FROM ${database.table('$1', { id: 'uuid', user_id: 'uuid', g: 'integer', a: 'integer', a_at: 'bigint', ends: 'bigint', idle: 'bigint', revoked: 'bigint' })} AS r`,
      [JSON.stringify(rows.map(({ id, state }) => toRow(id, state, users)))],
    );

    const presented = rows.map((row) => ({ sessionId: row.id, generation: row.presented }));
    const moved = new Map(
      (await statements.rotateMany(presented, NOW, { skipLocked: true })).map((row) => [row.id, row]),
    );
    const verdicts = new Map(rows.map((row) => [row.id, judge(row.state, row.presented, NOW, statements.policy)]));
    const due = rows.filter(({ id }) => {
      const verdict = verdicts.get(id)!;
      return verdict.outcome === 'rotate' && !verdict.behind;
    });
    expect(due.length).toBeGreaterThan(5);
    expect([...moved.keys()].sort()).toEqual(due.map(({ id }) => id).sort());
    for (const { id, state } of due) {
      expect(moved.get(id)).toMatchObject({
        generation: state.generation + 1,
        // A rotation acknowledges the old generation, never the new one.
        acknowledged_generation: state.generation,
        rotated_at: NOW,
        idle_expires_at: Math.min(NOW + config.refreshIdleTtlMs, state.expiresAt),
        status: 'active',
        roles: '["reader"]',
        ver: 7,
      });
    }

    for (const { id, presented: generation } of rows) {
      const verdict = verdicts.get(id)!;
      if (verdict.outcome !== 'rotate' || !verdict.behind) continue;
      const caughtUp = await statements.catchUp({ sessionId: id, generation }, NOW);
      expect(caughtUp).toMatchObject({ generation: verdict.generation, acknowledged_generation: generation });
    }
  });
});

describe('the cost of a refresh', () => {
  const oneRefresh = async (refreshToken: string) => {
    const watching = watchStatements();
    const { body } = await refresh(test.http, refreshToken);
    watching.stop();
    return { body, statements: watching.taken() };
  };

  it('is one batched write for a rotation, plus one batched read otherwise', async () => {
    const { tokens } = await register(test.http);
    const unchanged = await oneRefresh(tokens.refresh_token);
    expect(unchanged.statements.map(kindOf)).toEqual(['write', 'read']);

    await test.flush();
    test.clock.move('121s');
    const rotated = await oneRefresh(tokens.refresh_token);
    expect(claimsOf(rotated.body.refresh_token)['gen']).toBe(2);
    expect(rotated.statements.map(kindOf)).toEqual(['write']);

    const resent = await oneRefresh(tokens.refresh_token);
    expect(resent.body.refresh_token).toBe(rotated.body.refresh_token);
    expect(resent.statements.map(kindOf)).toEqual(['write', 'read']);
  });

  it('is shared: parallel refreshes of many sessions are batched', async () => {
    const users = await registerMany(test.http, 40);
    await Promise.all(users.map(({ tokens }) => refresh(test.http, tokens.refresh_token)));
    await test.flush();
    test.clock.move('121s');
    const watching = watchStatements();
    const responses = await Promise.all(users.map(({ tokens }) => refresh(test.http, tokens.refresh_token)));
    watching.stop();
    expect(responses.map(({ body }) => claimsOf(body.refresh_token)['gen'])).toEqual(Array(40).fill(2));
    // The requests arrive over 40 sockets, so the size of the batches varies, but there are fewer than requests.
    expect(watching.taken().length).toBeLessThan(30);
  });

  it('is zero for a guarded request: it sends no statement to the database', async () => {
    const { tokens } = await register(test.http);
    const watching = watchStatements();
    for (let i = 0; i < 5; i++) await test.http.get('/auth/whoami', { token: tokens.access_token });
    watching.stop();
    expect(watching.taken().filter((sql) => !sql.includes('acknowledged_generation'))).toEqual([]);
  });
});

function kindOf(sql: string): 'read' | 'write' {
  return /UPDATE sessions/.test(sql) ? 'write' : 'read';
}

async function insertUser(status: string): Promise<string> {
  const id = uuidv7();
  await test.app.get(Database).write(
    `INSERT INTO users (id, email, email_canonical, password_hash, roles, status, ver, created_at, updated_at)
     VALUES ($1::uuid, $2, $3, '', '["reader"]', $4, 7, 1, 1)`,
    [id, id, id, status],
  );
  return id;
}

type Generated = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function toState(g: Generated): SessionState {
  const acknowledgedGeneration = g.acknowledgedAgo === null ? 0 : Math.max(0, g.generation - g.behind);
  const acknowledgedAt = acknowledgedGeneration === 0 ? null : NOW - g.acknowledgedAgo!;
  return {
    generation: g.generation,
    acknowledgedGeneration,
    acknowledgedAt,
    expiresAt: NOW + g.endsIn,
    idleExpiresAt: NOW + g.idleEndsIn,
    revokedAt: g.revoked ? NOW - 1 : null,
    revokedReason: null,
    userActive: g.active,
  };
}

function toRow(id: string, state: SessionState, users: { active: string; disabled: string }) {
  return {
    id,
    user_id: state.userActive ? users.active : users.disabled,
    g: state.generation,
    a: state.acknowledgedGeneration,
    a_at: state.acknowledgedAt,
    ends: state.expiresAt,
    idle: state.idleExpiresAt,
    revoked: state.revokedAt,
  };
}

describe('what waits for a commit', () => {
  it('runs once after it, and never after a rollback', async () => {
    const database = test.app.get(Database);
    const seen: string[] = [];
    await database.transaction(async (transaction) => {
      transaction.afterCommit(() => seen.push('committed'));
      await transaction.read('SELECT 1');
      seen.push('in the transaction');
    });
    const failed = database.transaction(async (transaction) => {
      transaction.afterCommit(() => seen.push('rolled back'));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    database.afterCommit(() => seen.push('without a transaction'));
    expect(seen).toEqual(['in the transaction', 'committed', 'without a transaction']);
  });
});
