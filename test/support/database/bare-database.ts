import { DataSource, type DataSourceOptions } from 'typeorm';
import { loadConfig } from '../../../src/config/load-config.js';
import type { Config } from '../../../src/config/config.js';
import { createDataSource } from '../../../src/data-source.js';
import type { Database } from '../../../src/database/database.js';
import { createDatabase } from '../../../src/database/database.module.js';
import { SqliteDatabase } from '../../../src/database/sqlite-database.js';
import { migrate } from '../../../src/database/migrate.js';
import { TEST_SECRET } from '../app/app.js';

const DAY = 86_400_000;

export interface BareDatabase {
  config: Config;
  dataSource: DataSource;
  database: Database;
  close: () => Promise<void>;
}

function optionsOf(url: string): DataSourceOptions {
  return createDataSource(loadConfig({ APP_SECRET: TEST_SECRET, DATABASE_URL: url })).options;
}

/** The data layer of one process without an application. Open it twice to get two processes. */
export async function openDatabase(url: string, env: Record<string, string> = {}): Promise<BareDatabase> {
  const config = loadConfig({ APP_SECRET: TEST_SECRET, DATABASE_URL: url, ...env });
  const dataSource = createDataSource(config);
  await migrate(dataSource.options);
  await dataSource.initialize();
  const database = createDatabase(dataSource, config);
  if (database instanceof SqliteDatabase) await database.onModuleInit();
  return {
    config,
    dataSource,
    database,
    close: async () => {
      if (database instanceof SqliteDatabase) await database.onApplicationShutdown();
      await dataSource.destroy();
    },
  };
}

/**
 * Two processes on one database, and `plain`: TypeORM without our code. On PostgreSQL rows are locked in the order of the
 * parameters unless a statement sorts them, and a deadlock is detected at once.
 */
export async function openTwo(url: string, env: Record<string, string> = {}) {
  const plain = await new DataSource(optionsOf(url)).initialize();
  if (plain.options.type === 'postgres') {
    const [{ name }] = (await plain.query('SELECT current_database() AS name')) as [{ name: string }];
    for (const setting of ['enable_hashjoin = off', 'enable_mergejoin = off', `deadlock_timeout = '50ms'`]) {
      await plain.query(`ALTER DATABASE ${name} SET ${setting}`);
    }
  }
  await plain.query('CREATE TABLE counters (id integer PRIMARY KEY, value bigint)');
  const [one, two] = [await openDatabase(url, env), await openDatabase(url, env)] as const;
  return {
    one,
    two,
    plain,
    /** Empties the tables. */
    clear: async () => {
      for (const table of ['counters', 'sessions', 'users']) await plain.query(`DELETE FROM ${table}`);
    },
    close: () => Promise.all([one.close(), two.close(), plain.destroy()]),
  };
}

/** A user with `count` sessions at generation 1000, never acknowledged, with random ids. */
export async function manySessions({ database }: BareDatabase, count: number): Promise<string[]> {
  const userId = '0198c0de-0000-7000-8000-000000000000';
  await database.write(
    `INSERT INTO users (id, email, email_canonical, password_hash, roles, status, ver, created_at, updated_at)
     VALUES ($1::uuid, 'a', 'a', '', '[]', 'active', 1, 1, 1)`,
    [userId],
  );
  const rows = Array.from({ length: count }, () => ({ session_id: crypto.randomUUID() }));
  await database.write(
    `INSERT INTO sessions (id, user_id, generation, rotated_at, acknowledged_generation, created_at, expires_at,
       idle_expires_at, purge_on, ip, user_agent)
     SELECT r.session_id, $2::uuid, 1000, 1, 0, 1, $3::bigint, $4::bigint, 99999, '', ''
     FROM ${database.table('$1', { session_id: 'uuid' })} AS r`,
    [JSON.stringify(rows), userId, Date.now() + 30 * DAY, Date.now() + DAY],
  );
  return rows.map(({ session_id }) => session_id);
}

/** A copy in random order. */
export function shuffled<T>(values: readonly T[]): T[] {
  const list = [...values];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}
