import { existsSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { makePrivateFile } from '../database/connection-options.js';
import { databaseProblem, isMisconfigured } from '../database/database-errors.js';
import { migrate } from '../database/migrate.js';
import { holdServerLock } from '../database/sqlite-server-lock.js';

/** Thrown where only an operator can help. */
export class UnusableDatabase extends Error {
  constructor(why: string) {
    super(`The database that DATABASE_URL names cannot be used: ${why}`);
  }
}

const PATIENCE_MS = 60_000;
const PAUSE_MS = 2000;

/** For a server, before anything else. Two on one SQLite file would not hear what the other ends. */
export async function refuseSecondServer({ database }: Config): Promise<void> {
  if (database.kind !== 'sqlite') return;
  try {
    if (await holdServerLock(database.file)) return;
  } catch (error) {
    if (isMisconfigured(error)) throw new UnusableDatabase((error as Error).message);
    throw error;
  }
  throw new UnusableDatabase(
    `another server runs on ${database.file}. SQLite serves one; for several, use PostgreSQL (DATABASE_URL=postgres://…)`,
  );
}

/** Makes the SQLite file if there is none, brings the schema up to date, and connects. */
export async function openDatabase(config: Config, dataSource: DataSource): Promise<void> {
  try {
    await open(config, dataSource);
  } catch (error) {
    if (isMisconfigured(error)) throw new UnusableDatabase((error as Error).message);
    throw error;
  }
}

/**
 * For tools that are of use beside a running installation alone: makes nothing. Somebody who starts one in another
 * environment than the servers' has to hear of it.
 */
export async function openInstalledDatabase({ database }: Config, dataSource: DataSource): Promise<void> {
  const isThere = database.kind === 'postgres' || existsSync(database.file);
  if (isThere && (await holdsKeys(dataSource))) return;
  const where = database.kind === 'postgres' ? 'DATABASE_URL' : database.file;
  throw new UnusableDatabase(`there is no installation in ${where}. Run this with the environment of your servers`);
}

async function holdsKeys(dataSource: DataSource): Promise<boolean> {
  try {
    await patiently(() => dataSource.initialize());
    const rows: unknown[] = await dataSource.query(`SELECT 1 FROM keys WHERE purpose = 'access-signing'`);
    return rows.length > 0;
  } catch (error) {
    if (isMisconfigured(error)) throw new UnusableDatabase((error as Error).message);
    // An empty database has no such table; anything else is another matter.
    if (/no such table|relation "keys" does not exist/.test((error as Error).message)) return false;
    throw error;
  }
}

async function open(config: Config, dataSource: DataSource): Promise<void> {
  if (config.database.kind === 'sqlite' && makePrivateFile(config.database.file)) {
    say(`Made a SQLite database: ${config.database.file} (only you can read it)`);
  }
  const done = await patiently(() => migrate(dataSource.options, config.databaseDirectUrl));
  if (done.length > 0) say(`Migrated the database: ${done.join(', ')}`);
  await patiently(() => dataSource.initialize());
}

/** A database that starts together with this process may need a minute; after that something is wrong. */
async function patiently<T>(connect: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (isMisconfigured(error) || !databaseProblem(error) || Date.now() > deadline) throw error;
      say(`The database does not answer yet (${(error as Error).message}); trying again`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
