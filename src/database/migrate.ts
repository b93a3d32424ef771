import { DataSource, type DataSourceOptions, MigrationExecutor } from 'typeorm';

/** The key of the advisory lock. Any number will do that no other program uses. */
const MIGRATION_LOCK = 2_038_114_523;

/**
 * Brings the schema up to date. Several processes may start at once: one migrates, the others wait for it and
 * then find nothing to do.
 *
 * @param options of the data source the application runs on
 * @param directUrl where a transaction pooler stands in front of PostgreSQL: the address behind it
 * @returns the names of the migrations that this call ran
 */
export async function migrate(options: DataSourceOptions, directUrl: string = ''): Promise<string[]> {
  // No time-outs here: a migration may take longer than any request may, and so may waiting for another's.
  const own = options.type === 'postgres' ? { poolSize: 1, extra: {}, ...(directUrl && { url: directUrl }) } : {};
  const dataSource = await new DataSource({ ...options, ...own } as DataSourceOptions).initialize();
  try {
    return await (options.type === 'postgres' ? migratePostgres(dataSource) : migrateSqlite(dataSource));
  } finally {
    await dataSource.destroy();
  }
}

async function migratePostgres(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    await waitForLock(async () => {
      const sql = `SELECT pg_try_advisory_lock(${MIGRATION_LOCK}) AS locked`;
      const [row] = (await runner.query(sql)) as { locked: boolean }[];
      return row!.locked;
    });
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    return (await executor.executePendingMigrations()).map(({ name }) => name);
  } finally {
    // The caller closes the connection, which releases the lock.
    await runner.release();
  }
}

/**
 * SQLite has one connection here, and its write lock keeps other processes out. Foreign keys are off: a migration that
 * changes a table may have to drop the old one, which would delete the rows that refer to it
 * (sqlite.org/lang_altertable.html, section 7). TypeORM turns them off inside the transaction, where that has no effect.
 */
async function migrateSqlite(dataSource: DataSource): Promise<string[]> {
  await waitForLock(() => switchToWal(dataSource));
  await dataSource.query('PRAGMA foreign_keys = OFF');
  await dataSource.query('BEGIN IMMEDIATE');
  try {
    const done = await dataSource.runMigrations({ transaction: 'none' });
    const orphans = (await dataSource.query('PRAGMA foreign_key_check')) as unknown[];
    if (orphans.length > 0) throw new Error(`A migration leaves ${orphans.length} rows without their parents`);
    await dataSource.query('COMMIT');
    return done.map(({ name }) => name);
  } catch (error) {
    await dataSource.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/**
 * Switches the file to write-ahead logging, which it keeps. Resolves to false while another connection is open to a new
 * file: SQLite then refuses at once, regardless of the busy timeout.
 */
async function switchToWal(dataSource: DataSource): Promise<boolean> {
  try {
    await dataSource.query('PRAGMA journal_mode = WAL');
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') return false;
    throw error;
  }
}

/** Polls, because a lock that the database waits for would end in a time-out without an explanation. */
async function waitForLock(tryLock: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await tryLock())) {
    if (Date.now() > deadline) throw new Error('Another process has held the migration lock for two minutes');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
