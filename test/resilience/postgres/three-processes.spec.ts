import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Http } from '../../support/http/http.js';
import { ownPostgres, type OwnPostgres } from '../../support/database/own-postgres.js';
import { register } from '../../support/app/users.js';
import { RoundRobin } from '../../support/programs/round-robin.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';
import { sql } from '../../support/database/sql.js';
import {
  expectAllSignedIn,
  expectNobodyRefused,
  pause,
  refreshing,
  Storm,
  type Turn,
} from '../../support/storm/storm.js';
import { revokedSessions, expectInvariants } from '../../support/storm/invariants.js';

const CLIENTS = 64;
const PATIENCE = { timeout: 20_000, interval: 50 };
const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey listener'`;

describe('three processes behind a load balancer', { timeout: 180_000 }, () => {
  let postgres: OwnPostgres;
  let servers: ServerProcess[];
  let front: RoundRobin;
  let storm: Storm;
  beforeAll(async () => {
    postgres = await ownPostgres();
  });
  afterAll(() => postgres.destroy());
  beforeEach(async () => {
    servers = await Promise.all([start(), start(), start()]);
    front = await RoundRobin.before(servers.map(({ http }) => http.url));
    storm = new Storm(() => front.url);
    await storm.join(servers[0]!.http, CLIENTS);
  });
  afterEach(async () => {
    storm.hangUp();
    await front.close();
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  const start = () =>
    startServer({
      DATABASE_URL: postgres.url,
      DATABASE_POOL_SIZE: '8',
      REFRESH_ROTATION_INTERVAL: '400ms',
      REFRESH_LEEWAY: '200ms',
    });
  const readiness = async ({ http }: ServerProcess) => (await http.get('/health/ready')).body.status;

  const turns: Turn = async (client) => {
    await refreshing(client);
    await client.use();
  };

  /** Every client can continue with its last stored token, and no session is revoked. */
  async function expectNobodySignedOut(): Promise<void> {
    for (const server of servers) await expect.poll(() => readiness(server), PATIENCE).toBe('ok');
    await expectAllSignedIn(storm);
    const revoked = await revokedSessions(postgres.url);
    expect(storm.clients.filter(({ stored }) => revoked.includes(stored.session_id))).toEqual([]);
    await expectInvariants(postgres.url);
  }

  it('sign nobody out while 64 clients refresh and processes are killed', async () => {
    storm.begin(() => turns);
    for (let round = 0; round < 3; round++) {
      await pause(3000);
      const place = round % servers.length;
      await servers[place]!.stop('SIGKILL');
      await pause(1000);
      servers[place] = await start();
      front.use(servers.map(({ http }) => http.url));
    }
    await storm.end();
    expectNobodyRefused(storm, [], true);
    expect(storm.outcomes.some(({ status, sentAt }) => status === 0 && sentAt !== undefined)).toBe(true);
    expect(Math.min(...storm.clients.map(({ used }) => used))).toBeGreaterThan(5);
    await expectNobodySignedOut();
  });

  it('respond with 503 and Retry-After while PostgreSQL restarts, and recover', async () => {
    storm.begin(() => turns);
    await pause(1000);
    await postgres.stop();
    const refused = () => storm.outcomes.filter(({ status }) => status === 503).length;
    await expect.poll(refused, PATIENCE).toBeGreaterThan(CLIENTS);
    await postgres.start();
    const since = performance.now();
    const waiting = () => storm.clients.filter(({ succeededAt }) => succeededAt < since).length;
    await expect.poll(waiting, PATIENCE).toBe(0);
    await storm.end();
    expectNobodyRefused(storm, ['database_unavailable', 'refresh_busy']);
    await expectNobodySignedOut();
  });

  it('accept no revoked token while notification connections are cut', async () => {
    storm.begin(() => turns);
    const [one, two, three] = servers.map(({ http }) => http) as [Http, Http, Http];
    const whoami = async (http: Http, token: string) => {
      const { status, body } = await http.get('/auth/whoami', { token });
      return status === 200 ? 200 : body.code;
    };
    for (let round = 0; round < 8; round++) {
      const { tokens } = await register(one);
      for (const http of [two, three]) expect(await whoami(http, tokens.access_token)).toBe(200);
      await sql(postgres.url, CUT);
      expect((await one.post('/auth/logout', { token: tokens.access_token })).status).toBe(204);
      for (const http of [one, two, three])
        await expect.poll(() => whoami(http, tokens.access_token), PATIENCE).toBe('session_revoked');
      await pause(100 * (round % 8));
      for (const http of [one, two, three]) expect(await whoami(http, tokens.access_token)).toBe('session_revoked');
    }
    await storm.end();
    expectNobodyRefused(storm, []);
    await expectNobodySignedOut();
  });

  it('sign nobody out when one of them is paused for 10 s', async () => {
    storm.begin(() => turns);
    await pause(1000);
    servers[1]!.process.kill('SIGSTOP');
    await pause(10_000);
    servers[1]!.process.kill('SIGCONT');
    await pause(2000);
    await storm.end();
    // After SIGCONT Node checks how old its connections are before it reads them: 408 for what arrived meanwhile.
    expectNobodyRefused(storm, ['database_unavailable', 'refresh_busy', 'request_timeout']);
    await expectNobodySignedOut();
  });
});
