import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresMigrations } from '../../src/database/migrations/postgres/index.js';
import { sqliteMigrations } from '../../src/database/migrations/sqlite/index.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import type { Http } from '../support/http/http.js';
import { login, refresh, register } from '../support/app/users.js';
import { startServer, type ServerProcess } from '../support/programs/server-process.js';
import { sql } from '../support/database/sql.js';

describe('a restart', () => {
  it('keeps sessions alive and revoked sessions revoked', async () => {
    const database = await throwawayDatabase();
    const env = { DATABASE_URL: database.url };
    const before = await startServer(env);
    const { email, tokens: kept } = await register(before.http);
    const revoked = await login(before.http, email);
    await before.http.post('/auth/logout', { token: revoked.access_token });
    expect(await before.stop()).toBe(0);

    const after = await startServer(env);
    expect((await after.http.get('/auth/whoami', { token: kept.access_token })).status).toBe(200);
    expect((await refresh(after.http, kept.refresh_token)).status).toBe(200);
    expect((await after.http.get('/auth/whoami', { token: revoked.access_token })).body.code).toBe('session_revoked');
    expect((await refresh(after.http, revoked.refresh_token)).body.code).toBe('session_revoked');
    await after.stop();
    await database.drop();
  });
});

describe('an empty database', { timeout: 120_000 }, () => {
  let database: ThrowawayDatabase;
  let servers: ServerProcess[] = [];
  beforeAll(async () => {
    database = await throwawayDatabase();
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.drop();
  });
  const start = () => startServer({ DATABASE_URL: database.url });
  const publicKeys = async (http: Http) => (await http.get('/.well-known/jwks.json')).body.keys;
  const statusOf = async (http: Http, token: string) => (await http.get('/auth/whoami', { token })).status;

  it('is migrated once by three parallel processes, which share one set of keys', async () => {
    servers = await Promise.all(isPostgres ? [start(), start(), start()] : [start()]);
    const { http: first } = servers[0]!;
    const keys = await publicKeys(first);
    const { email, tokens } = await register(first);
    // SQLite serves one process at a time.
    if (!isPostgres) {
      expect(await servers[0]!.stop()).toBe(0);
      servers = [await start()];
    }

    expect(keys).toHaveLength(1);
    for (const { http } of isPostgres ? servers.slice(1) : servers) {
      expect(await publicKeys(http)).toEqual(keys);
      expect(await statusOf(http, tokens.access_token)).toBe(200);
      expect((await refresh(http, tokens.refresh_token)).body.refresh_token).toBe(tokens.refresh_token);
      expect(await statusOf(http, (await login(http, email)).access_token)).toBe(200);
    }
    expect(await sql(database.url, 'SELECT purpose, sequence FROM keys ORDER BY purpose')).toEqual([
      { purpose: 'access-signing', sequence: 1 },
      { purpose: 'password-prehash', sequence: 1 },
      { purpose: 'rate-limits', sequence: 1 },
    ]);
    const migrations = isPostgres ? postgresMigrations : sqliteMigrations;
    const recorded = await sql(database.url, 'SELECT name FROM migrations ORDER BY id');
    expect(recorded.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
  });
});
