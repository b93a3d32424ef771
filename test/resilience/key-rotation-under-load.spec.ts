import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_SECRET } from '../support/app/app.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { login } from '../support/app/users.js';
import { RoundRobin } from '../support/programs/round-robin.js';
import { runToEnd, startServer, type ServerProcess } from '../support/programs/server-process.js';
import { sql } from '../support/database/sql.js';
import { expectAllSignedIn, expectNobodyRefused, pause, refreshing, Storm } from '../support/storm/storm.js';

const kidOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid as string;

describe('requests under load', { timeout: 120_000 }, () => {
  const OLD = TEST_SECRET;
  const NEW = 'a new secret of the tests and of nothing else';
  let database: ThrowawayDatabase;
  let servers: ServerProcess[] = [];
  let front: RoundRobin;
  let storm: Storm;
  beforeAll(async () => {
    database = await throwawayDatabase();
    servers = await Promise.all(Array.from({ length: isPostgres ? 2 : 1 }, () => start(OLD)));
    front = await RoundRobin.before(servers.map(({ http }) => http.url));
    storm = new Storm(() => front.url);
    await storm.join(servers[0]!.http, 6);
  });
  afterAll(async () => {
    storm.hangUp();
    await front.close();
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    await database.drop();
  });

  const start = (secrets: string) =>
    startServer({
      DATABASE_URL: database.url,
      APP_SECRET: secrets,
      REFRESH_ROTATION_INTERVAL: '200ms',
      REFRESH_LEEWAY: '100ms',
    });
  const signers = () => new Set(storm.clients.map(({ stored }) => kidOf(stored.access_token)));
  const publishedBy = async ({ http }: ServerProcess) => (await http.get('/.well-known/jwks.json')).body.keys.length;
  const keysAge = (ms: number) =>
    sql(database.url, `UPDATE keys SET created_at = created_at - ${ms} WHERE purpose = 'access-signing'`);
  const PATIENCE = { timeout: 20_000, interval: 100 };

  /** Runs a storm of requests, of which none may fail. */
  async function expectNoneFails(during: () => Promise<void>): Promise<void> {
    storm.outcomes = [];
    storm.begin(() => async (client) => {
      await refreshing(client);
      await client.use();
      await pause(5);
    });
    await during();
    await storm.end();
    expectNobodyRefused(storm, []);
    expect(storm.outcomes.length).toBeGreaterThan(100);
    await expectAllSignedIn(storm);
  }

  it('all succeed while keys:rotate publishes a key, it signs, and the old one retires', async () => {
    const before = signers();
    await expectNoneFails(async () => {
      const { code, output } = await runToEnd({ DATABASE_URL: database.url, APP_SECRET: OLD }, 'cli/rotate-keys.js');
      expect([code, output]).toEqual([0, expect.stringMatching(/Published, and signs from \d{4}-[^]*Z: [\w-]{43}\n/)]);
      for (const server of servers) await expect.poll(() => publishedBy(server), PATIENCE).toBe(2);
      const again = await runToEnd({ DATABASE_URL: database.url, APP_SECRET: OLD }, 'cli/rotate-keys.js');
      expect(again.output).toBe(output);

      await keysAge(601_000);
      await expect.poll(() => [...signers()].filter((kid) => before.has(kid)), PATIENCE).toEqual([]);
      expect(signers().size).toBe(1);
      await keysAge(26 * 3_600_000);
      for (const server of servers) await expect.poll(() => publishedBy(server), PATIENCE).toBe(1);
    });
  });

  it('all succeed while APP_SECRET changes in a rolling deployment', async () => {
    const { email } = storm.clients[0]!;
    const refreshKid = () => new Set(storm.clients.map(({ stored }) => kidOf(stored.refresh_token)));
    const [old] = refreshKid();
    if (isPostgres)
      await expectNoneFails(async () => {
        for (const secrets of [`${OLD},${NEW}`, `${NEW},${OLD}`]) await rollOut(secrets);
        await expect.poll(() => refreshKid().has(old!), PATIENCE).toBe(false);
      });
    else for (const secrets of [`${OLD},${NEW}`, `${NEW},${OLD}`]) await rollOut(secrets);
    await expectAllSignedIn(storm);
    await expectAllSignedIn(storm);
    expect(refreshKid().has(old!)).toBe(false);

    const before = await sql(database.url, 'SELECT sealed FROM keys ORDER BY purpose, sequence');
    await rollOut(NEW);
    expect(await sql(database.url, 'SELECT sealed FROM keys ORDER BY purpose, sequence')).toEqual(before);
    await expectAllSignedIn(storm);
    await login(servers[0]!.http, email);
  });

  /** Restarts one process after the other, each removed from the load balancer first. */
  async function rollOut(secrets: string): Promise<void> {
    for (const [place, server] of servers.entries()) {
      front.use(servers.filter((other) => other !== server).map(({ http }) => http.url));
      expect(await server.stop()).toBe(0);
      servers[place] = await start(secrets);
      front.use(servers.map(({ http }) => http.url));
    }
  }
});
