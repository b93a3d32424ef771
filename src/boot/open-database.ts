import { existsSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { makePrivateFile } from '../database/private-file.js';
import { databaseProblem, isMisconfigured } from '../database/database-errors.js';
import { migrate } from '../database/migrate.js';
import { holdServerLock } from '../database/sqlite-server-lock.js';

/** Thrown where only an operator can help. */
export class UnusableDatabaseError extends Error {
  constructor(why: string) {
    super(`The database that DATABASE_URL names cannot be used: ${why}`);
  }
}

const CONNECT_DEADLINE_MS = 60_000;
const RETRY_DELAY_MS = 2000;

/** Refuses a second server on one SQLite file: neither would learn of the other's revocations. */
export async function refuseSecondServer({ database }: Config): Promise<void> {
  if (database.kind !== 'sqlite') return;
  if (await explainingMisconfiguration(() => holdServerLock(database.file))) return;
  throw new UnusableDatabaseError(
    `another server runs on ${database.file}. SQLite serves one; for several, use PostgreSQL (DATABASE_URL=postgres://…)`,
  );
}

/** Creates the SQLite file if there is none, brings the schema up to date, and connects. */
export function openDatabase(config: Config, dataSource: DataSource): Promise<void> {
  return explainingMisconfiguration(async () => {
    if (config.database.kind === 'sqlite' && makePrivateFile(config.database.file)) {
      print(`Created a SQLite database: ${config.database.file} (only you can read it)`);
    }
    const done = await retrying(() => migrate(dataSource.options, config.databaseDirectUrl));
    if (done.length > 0) print(`Migrated the database: ${done.join(', ')}`);
    await retrying(() => dataSource.initialize());
  });
}

/** For commands that work on an existing installation: creates nothing, and refuses a database without one. */
export async function openInstalledDatabase({ database }: Config, dataSource: DataSource): Promise<void> {
  const exists = database.kind === 'postgres' || existsSync(database.file);
  if (exists && (await explainingMisconfiguration(() => hasSigningKeys(dataSource)))) return;
  const where = database.kind === 'postgres' ? 'DATABASE_URL' : database.file;
  throw new UnusableDatabaseError(
    `there is no installation in ${where}. Run this with the environment of your servers`,
  );
}

async function hasSigningKeys(dataSource: DataSource): Promise<boolean> {
  await retrying(() => dataSource.initialize());
  const runner = dataSource.createQueryRunner();
  try {
    if (!(await runner.hasTable('keys'))) return false;
    const rows = (await runner.query(`SELECT 1 FROM keys WHERE purpose = 'access-signing'`)) as unknown[];
    return rows.length > 0;
  } finally {
    await runner.release();
  }
}

async function explainingMisconfiguration<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isMisconfigured(error)) throw new UnusableDatabaseError((error as Error).message);
    throw error;
  }
}

/** A database that starts together with this process may need a minute. */
async function retrying<T>(connect: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + CONNECT_DEADLINE_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (isMisconfigured(error) || !databaseProblem(error) || Date.now() > deadline) throw error;
      print(`The database is not reachable yet (${(error as Error).message}); trying again`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}
