import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { signingIn, STORMY, using } from '../support/storm/outage-storm.js';
import { claimsOf } from '../support/app/users.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';
import { sql } from '../support/database/sql.js';
import { expectAllSignedIn, pause, refreshing, isFineAfterStop, Storm } from '../support/storm/storm.js';
import { revokedSessions, expectInvariants } from '../support/storm/invariants.js';

const SHORT = { ...STORMY, REFRESH_ROTATION_INTERVAL: '200ms', REFRESH_LEEWAY: '100ms' };

const TURNS = [refreshing, refreshing, signingIn, using];

describe('a graceful shutdown under load', { timeout: 60_000 }, () => {
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
    server = await startServer({ DATABASE_URL: database.url, SHUTDOWN_DEADLINE: '10s', ...env });
  };

  /** Stops the server with requests in flight; returns the exit code, and the time of the signal. */
  async function stopIn(storm: Storm): Promise<{ code: unknown; signalledAt: number }> {
    storm.begin((place) => TURNS[place % TURNS.length]!);
    await pause(700);
    const signalledAt = performance.now();
    const code = await server.stop('SIGTERM');
    await storm.end();
    return { code, signalledAt };
  }

  it.each([
    ['a rotation at each refresh', STORMY],
    ['a rotation interval', SHORT],
  ])('cuts off no request, loses no acknowledgement, and exits with 0: %s', async (_, env) => {
    await start(env);
    const storm = new Storm(() => server.http.url);
    await storm.join(server.http, 32);
    const idle = await storm.joinIdle(server.http, 8);
    const { code, signalledAt } = await stopIn(storm);
    expect(code).toBe(0);
    expect(storm.outcomes.filter((outcome) => !isFineAfterStop(outcome, signalledAt)).slice(0, 5)).toEqual([]);

    const rows = await sql(database.url, 'SELECT id, acknowledged_generation FROM sessions');
    const acknowledged = new Map(rows.map((row) => [row['id'], row['acknowledged_generation'] as number]));
    const clients = [...storm.clients, ...idle];
    expect(clients.filter(({ stored, used }) => acknowledged.get(stored.session_id)! < used)).toEqual([]);
    expect(clients.filter(({ used }) => used > 0).length).toBeGreaterThan(8);
    await expectInvariants(database.url);

    await start(env);
    await expectAllSignedIn(storm);
    expect(server.output()).not.toContain('database_behind');
    expect(await revokedSessions(database.url)).toEqual([]);
    expect(Math.max(...storm.clients.map(({ stored }) => claimsOf(stored.refresh_token)['gen']))).toBeGreaterThan(1);
    storm.hangUp();
  });
});
