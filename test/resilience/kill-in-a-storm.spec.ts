import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { performing, expectDone, type Operation } from '../support/storm/operations.js';
import { claimsOf, refresh } from '../support/app/users.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';
import { sql } from '../support/database/sql.js';
import {
  expectAllSignedIn,
  expectNobodyRefused,
  pause,
  refreshing,
  Storm,
  type StormClient,
} from '../support/storm/storm.js';
import { revokedSessions, expectInvariants } from '../support/storm/invariants.js';

const ROUNDS = 4;
const MOST_ROUNDS = 25;
const OPERATORS = 10;
const STRICT = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };
const SHORT = { REFRESH_ROTATION_INTERVAL: '200ms', REFRESH_LEEWAY: '100ms' };

describe('a server that is killed during a storm of refreshes', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let server: ServerProcess;
  beforeEach(async () => {
    database = await throwawayDatabase();
  });
  afterEach(async () => {
    await server.stop('SIGKILL');
    await database.drop();
  });

  const start = async (env: Record<string, string>) => {
    server = await startServer({ DATABASE_URL: database.url, ...env });
  };

  /** Kills the server after a moment, with requests in flight. */
  async function killIn(storm: Storm, operations: Operation[]): Promise<void> {
    storm.begin((place) => (place < OPERATORS ? performing(operations) : refreshing));
    await pause(300 + Math.random() * 700);
    server.process.kill('SIGKILL');
    await storm.end();
    await server.stop('SIGKILL');
    expect(storm.outcomes.some(({ status, sentAt }) => status === 0 && sentAt !== undefined)).toBe(true);
  }

  /** How many clients did not receive the response of a rotation. */
  async function lostResponses({ clients }: Storm): Promise<number> {
    const rows = await sql(database.url, 'SELECT id, generation FROM sessions');
    const generations = new Map(rows.map(({ id, generation }) => [id, generation as number]));
    return clients.filter(({ stored }) => generations.get(stored.session_id)! > claimsOf(stored.refresh_token)['gen'])
      .length;
  }

  async function expectNobodySignedOut({ clients }: Storm): Promise<void> {
    const revoked = await revokedSessions(database.url);
    expect(clients.filter(({ stored }) => revoked.includes(stored.session_id))).toEqual([]);
  }

  it.each([
    ['a rotation at each refresh', STRICT, 1],
    ['a rotation interval', SHORT, 0],
  ])('signs nobody out, and keeps every confirmed operation: %s', async (_, env, wanted) => {
    await start(env);
    const storm = new Storm(() => server.http.url);
    await storm.join(server.http, 36);
    let lost = 0;
    const newest = () =>
      Math.max(...storm.clients.map(({ stored }) => claimsOf(stored.refresh_token)['gen'] as number));
    const isEnough = (rounds: number) => rounds >= ROUNDS && lost >= wanted && newest() > 1;
    for (let round = 0; !isEnough(round) && round < MOST_ROUNDS; round++) {
      const operations: Operation[] = [];
      await killIn(storm, operations);
      lost += await lostResponses(storm);
      await expectInvariants(database.url);
      await start(env);
      await expectAllSignedIn(storm);
      // No confirmed rotation is lost, so no token is newer than its row.
      expect(server.output()).not.toContain('database_behind');
      // The last operations before the kill.
      await expectDone(operations.slice(-30), server.http);
      await expectNobodySignedOut(storm);
    }
    expectNobodyRefused(storm, ['hashing_busy'], true);
    expect(lost).toBeGreaterThanOrEqual(wanted);
    expect(newest()).toBeGreaterThan(1);
    storm.hangUp();
  });

  const rowOf = async (sessionId: string) => {
    const [row] = await sql(database.url, `SELECT * FROM sessions WHERE id = '${sessionId}'`);
    return row!;
  };
  const acknowledged = async (sessionId: string, generation: number) => {
    await expect
      .poll(async () => (await rowOf(sessionId))['acknowledged_generation'], { timeout: 10_000 })
      .toBe(generation);
  };

  it('detects a stolen token later when its acknowledgement was lost', async () => {
    await start(SHORT);
    const storm = new Storm(() => server.http.url);
    const victims = await storm.join(server.http, 2);
    const thieves = victims.map(({ email, stored }) => storm.takeOver(email, stored));
    for (const victim of victims) expect(await victim.use()).toBe(true);
    for (const { stored } of victims) await acknowledged(stored.session_id, 1);
    await pause(300);

    // The thief rotates and uses the new token, which acknowledges the new generation.
    for (const thief of thieves) expect([await thief.refresh(), await thief.use()]).toEqual([true, true]);
    expect(thieves.map(({ used }) => used)).toEqual([2, 2]);
    await server.stop('SIGKILL');
    for (const { stored } of victims)
      expect(await rowOf(stored.session_id)).toMatchObject({ generation: 2, acknowledged_generation: 1 });

    await start(SHORT);
    const [early, late] = victims as [(typeof victims)[0], (typeof victims)[0]];
    expect(await early.refresh()).toBe(true);
    expect(claimsOf(early.stored.refresh_token)['gen']).toBe(2);
    for (const thief of thieves) expect(await thief.use()).toBe(true);
    for (const { stored } of victims) await acknowledged(stored.session_id, 2);
    await pause(300);

    await expectDetected(late, thieves[1]!);
    // The early victim and the thief hold the same token until the thief rotates again.
    expect([await thieves[0]!.refresh(), await thieves[0]!.use()]).toEqual([true, true]);
    await acknowledged(early.stored.session_id, 3);
    await pause(300);
    await expectDetected(early, thieves[0]!);
  });

  async function expectDetected(victim: StormClient, thief: StormClient): Promise<void> {
    const problem = async ({ stored }: StormClient) => (await refresh(server.http, stored.refresh_token)).body;
    expect(await problem(victim)).toMatchObject({ code: 'refresh_token_reused', terminal: true });
    expect(await problem(thief)).toMatchObject({ code: 'session_revoked', reason: 'reused' });
    expect(await thief.use()).toBe(false);
  }
});
