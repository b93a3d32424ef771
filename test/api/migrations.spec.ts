import { DataSource, type DataSourceOptions, type MigrationInterface } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { createDataSource } from '../../src/data-source.js';
import { migrate } from '../../src/database/migrate.js';
import { postgresMigrations } from '../../src/database/migrations/postgres/index.js';
import { sqliteMigrations } from '../../src/database/migrations/sqlite/index.js';
import { createTestApp, TEST_SECRET } from '../support/app/app.js';
import {
  BrokenStatement1999999999999,
  BrokenThrow1999999999999,
  Orphans1999999999999,
  Rebuild1999999999999,
  Slow1999999999999,
} from '../support/database/bad-migrations.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import { login, refresh, register } from '../support/app/users.js';
import { schemaOf, tablesIn } from '../support/database/schema.js';

const ADVISORY_LOCKS = `SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database
  WHERE locktype = 'advisory' AND d.datname = current_database()`;
const NAMES = sqliteMigrations.map(({ name }) => name);

describe('the migrations', () => {
  let database: ThrowawayDatabase;
  let options: DataSourceOptions;
  let open: DataSource | undefined;
  beforeEach(async () => {
    database = await throwawayDatabase();
    options = createDataSource(loadConfig({ APP_SECRET: TEST_SECRET, DATABASE_URL: database.url })).options;
  });
  afterEach(async () => {
    await open?.destroy();
    open = undefined;
    await database.drop();
  });

  const connect = async () => (open ??= await new DataSource(options).initialize());
  const also = (...more: (new () => MigrationInterface)[]) =>
    ({ ...options, migrations: [...(options.migrations as []), ...more] }) as DataSourceOptions;
  async function recorded(): Promise<string[]> {
    const rows = await (await connect()).query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id');
    return rows.map(({ name }) => name);
  }

  it('are the same on both databases', () => {
    expect(postgresMigrations.map(({ name }) => name)).toEqual(NAMES);
    expect(NAMES.length).toBeGreaterThan(0);
  });

  it('run up, down and up again to the same schema, and down to an empty one', async () => {
    expect(await migrate(options)).toEqual(NAMES);
    const dataSource = await connect();
    const first = await schemaOf(dataSource);
    expect(await tablesIn(dataSource)).toEqual(expect.arrayContaining(['keys', 'revocations', 'sessions', 'users']));

    for (const _ of NAMES) await dataSource.undoLastMigration({ transaction: 'all' });
    expect(await tablesIn(dataSource)).toEqual([]);
    expect(await recorded()).toEqual([]);

    expect(await migrate(options)).toEqual(NAMES);
    expect(await schemaOf(dataSource)).toEqual(first);
  });

  it.skipIf(isPostgres)('run in parallel on new SQLite files, none of which is refused as busy', async () => {
    const refused: unknown[] = [];
    for (let file = 0; file < 40; file++) {
      const fresh = await throwawayDatabase();
      const { options: own } = createDataSource(loadConfig({ APP_SECRET: TEST_SECRET, DATABASE_URL: fresh.url }));
      const runs = await Promise.allSettled([migrate(own), migrate(own), migrate(own)]);
      refused.push(...runs.flatMap((run) => (run.status === 'rejected' ? [run.reason] : [])));
      await fresh.drop();
    }
    expect(refused).toEqual([]);
  });

  it('create the schema of the entities', async () => {
    await migrate(options);
    const { upQueries } = await (await connect()).driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('are the only changes to the schema: a start creates no table and drops no column', async () => {
    expect(await tablesIn(await connect())).toEqual([]);
    await migrate(options);
    await (await connect()).query('ALTER TABLE users ADD COLUMN of_a_fork integer');
    const before = await schemaOf(await connect());
    const test = await createTestApp({ databaseUrl: database.url });
    const { synchronize = false, dropSchema = false, migrationsRun = false } = test.app.get(DataSource).options;
    await test.close();
    expect({ synchronize, dropSchema, migrationsRun }).toEqual({
      synchronize: false,
      dropSchema: false,
      migrationsRun: false,
    });
    expect(await schemaOf(await connect())).toEqual(before);
  });

  it('run once: a second start keeps all accounts and sessions', async () => {
    const first = await createTestApp({ databaseUrl: database.url });
    const { email, tokens } = await register(first.http);
    await first.close();

    expect(await migrate(options)).toEqual([]);
    const second = await createTestApp({ databaseUrl: database.url });
    const again = await refresh(second.http, tokens.refresh_token);
    expect([again.status, again.body.session_id]).toEqual([200, tokens.session_id]);
    expect((await second.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
    await login(second.http, email);
    await second.close();
    expect(await recorded()).toEqual(NAMES);
  });

  it('run once when several processes start in parallel on an empty database', async () => {
    // SQLite connections wait for each other in libuv's four threads: more than three would starve the one that works.
    const done = await Promise.all(Array.from({ length: isPostgres ? 6 : 3 }, () => migrate(options)));
    expect(done.flat()).toEqual(NAMES);
    expect(await recorded()).toEqual(NAMES);
  });

  it.each([
    ['a statement fails', BrokenStatement1999999999999],
    ['it throws', BrokenThrow1999999999999],
  ])('are rolled back when %s, and run at the next start', async (_, Failing) => {
    await migrate(options);
    const dataSource = await connect();
    const before = await schemaOf(dataSource);
    await dataSource.query(
      `INSERT INTO users (id, email, email_canonical, name, password_hash, roles, status, ver, created_at, updated_at)
         VALUES ('0198c0de-0000-7000-8000-000000000000', 'a', 'a', 'as it was', '', '[]', 'active', 1, 1, 1)`,
    );

    await expect(migrate(also(Failing))).rejects.toThrow(/a_table_that_is_not_there|half-way/);
    expect(await schemaOf(dataSource)).toEqual(before);
    expect(await dataSource.query('SELECT name FROM users')).toEqual([{ name: 'as it was' }]);
    expect(await recorded()).toEqual(NAMES);
    if (isPostgres) await expect.poll(() => dataSource.query(ADVISORY_LOCKS)).toEqual([]);
    expect(await migrate(options)).toEqual([]);
  });

  it('run in a waiting process after they failed in another', async () => {
    const [failed, ...others] = await Promise.allSettled([
      migrate(also(BrokenStatement1999999999999)),
      migrate(options),
      migrate(options),
    ]);
    expect(failed.status).toBe('rejected');
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await recorded()).toEqual(NAMES);
    expect(await tablesIn(await connect())).not.toContain('half_done');
  });

  if (!isPostgres) {
    it('keep the sessions when the table of users is rebuilt, and refuse orphaned ones', async () => {
      const test = await createTestApp({ databaseUrl: database.url });
      const { tokens } = await register(test.http);
      await test.close();
      expect(await migrate(also(Rebuild1999999999999))).toEqual(['Rebuild1999999999999']);
      await expect(migrate(also(Rebuild1999999999999, Orphans1999999999999))).rejects.toThrow(/without their parents/);
      const together = 'SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id';
      expect(await (await connect()).query(together)).toEqual([{ id: tokens.session_id }]);
    });
  }

  if (isPostgres) {
    it('may take longer than the statement time-out of requests', async () => {
      const hasty = { ...also(Slow1999999999999), extra: { statement_timeout: 100, query_timeout: 200 } };
      expect(await migrate(hasty)).toEqual([...NAMES, 'Slow1999999999999']);
    });

    it('use the direct address behind a connection pooler', async () => {
      const pooled = { ...options, url: database.url.replace(/[^/]+$/, 'nowhere') } as DataSourceOptions;
      await expect(migrate(pooled)).rejects.toThrow(/nowhere/);
      expect(await migrate(pooled, database.url)).toEqual(NAMES);
    });
  }
});
