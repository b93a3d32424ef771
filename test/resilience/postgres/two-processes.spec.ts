import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import type { Http } from '../../support/http/http.js';
import { claimsOf, refresh, register } from '../../support/app/users.js';
import { sql } from '../../support/database/sql.js';
import { startServer, type ServerProcess } from '../../support/programs/server-process.js';

describe('two processes on one PostgreSQL', () => {
  let database: ThrowawayDatabase;
  let servers: ServerProcess[];
  beforeAll(async () => {
    database = await throwawayDatabase();
    const env = { DATABASE_URL: database.url, REFRESH_ROTATION_INTERVAL: '1s', REFRESH_LEEWAY: '500ms' };
    servers = await Promise.all([startServer(env), startServer(env)]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.drop();
  });

  /** Whether the only session has acknowledged generation 2 for the rotation interval. */
  async function isDue(): Promise<boolean> {
    const [row] = await sql(database.url, 'SELECT acknowledged_generation, acknowledged_at FROM sessions');
    return row!['acknowledged_generation'] === 2 && Number(row!['acknowledged_at']) < Date.now() - 1000;
  }

  it('all succeed for 50 parallel refreshes of one token, with a single rotation', async () => {
    const [a, b] = servers.map(({ http }) => http) as [Http, Http];
    const { tokens } = await register(a);
    expect((await b.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
    // The acknowledgement is written within a second, and the generation is due a second after that.
    await expect
      .poll(async () => claimsOf((await refresh(a, tokens.refresh_token)).body.refresh_token)['gen'], {
        timeout: 10_000,
      })
      .toBe(2);
    const second = (await refresh(b, tokens.refresh_token)).body.refresh_token;
    await refresh(a, second);
    await expect.poll(isDue, { timeout: 10_000 }).toBe(true);

    const responses = await Promise.all(Array.from({ length: 50 }, (_, i) => refresh(i % 2 ? a : b, second)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(responses.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(claimsOf(responses[0]!.body.refresh_token)['gen']).toBe(3);
  });
});
