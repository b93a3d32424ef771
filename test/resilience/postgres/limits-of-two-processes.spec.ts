import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLimited, from, repeat, signIn } from '../../support/app/limits.js';
import { PASSWORD, register, someEmail } from '../../support/app/users.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { prolongDelays } from '../../support/database/prolonged-delays.js';
import { sql } from '../../support/database/sql.js';
import type { Http } from '../../support/http/http.js';
import { send } from '../../support/http/problems.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';

const WRONG = 'not the password at all';

describe('the limits of two processes on one PostgreSQL', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let servers: ServerProcess[];
  let both: [Http, Http];
  beforeAll(async () => {
    database = await throwawayDatabase();
    const env = { DATABASE_URL: database.url, RATE_LIMITS: 'on', TRUST_PROXY: 'loopback' };
    servers = await Promise.all([startServer(env), startServer(env)]);
    both = servers.map(({ http }) => http) as [Http, Http];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.drop();
  });

  it('allow N attempts of an address over both, and refuse N + 1 on each', async () => {
    const attempts = Array.from({ length: 120 }, (_, i) =>
      send(both[i % 2]!, 'POST /auth/login', from('192.0.2.1', { json: {} })),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 400)).toHaveLength(50);
    for (const http of both) expectLimited(await signIn(http, '192.0.2.1', {}), 'password-address');
  });

  // GHSA-7h8m-vrxx-vr4m
  it('allow five of 200 parallel guesses at one account over both', async () => {
    const { email, tokens } = await register(both[0]);
    const guesses = Array.from({ length: 200 }, (_, i) =>
      signIn(both[i % 2]!, `198.51.${i}.1`, { email, password: WRONG }),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    // A delay of a second may end meanwhile, once or twice.
    const tried = statuses.filter((status) => status === 401).length;
    expect(tried).toBeGreaterThanOrEqual(5);
    expect(tried).toBeLessThanOrEqual(8);
    const json = { email, password: PASSWORD, device_token: tokens.device_token };
    for (const http of both) expect((await signIn(http, '192.0.2.1', json)).status).toBe(200);
  });

  it('count for both until the database forgets, and store no address', async () => {
    const email = someEmail();
    await repeat(
      { http: both[0] },
      5,
      (i) => `203.0.${i}.113`,
      () => ['POST /auth/login', { json: { email, password: WRONG } }],
    );
    await prolongDelays(database.url);
    expectLimited(await signIn(both[1], '203.0.200.113', { email, password: WRONG }), 'password-account');
    const limits = await sql(database.url, 'SELECT key FROM rate_limits');
    const throttles = await sql(database.url, 'SELECT key FROM password_throttles');
    expect([limits.length > 5, throttles.length > 1]).toEqual([true, true]);
    const stored = JSON.stringify([limits, throttles]);
    expect(stored).not.toMatch(new RegExp(`192\\.0\\.2\\.1|203\\.0\\.|${email.split('@')[0]}`));
  });
});
