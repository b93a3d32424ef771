import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { makePrivateFile } from './connection-options.js';

/** A server that is stopping may take so long to let go. */
const PATIENCE_MS = 5000;
let held: sqlite3.Database | undefined;

/**
 * One server on a SQLite file: what it ends, another would not hear of. Holds a lock beside the file until the process
 * ends, however it ends; command-line tools do not ask for it. False when another server holds it.
 */
export async function holdServerLock(file: string): Promise<boolean> {
  const lockFile = `${trueNameOf(file)}.lock`;
  makePrivateFile(lockFile);
  const database = await open(lockFile);
  database.configure('busyTimeout', PATIENCE_MS);
  const error = await new Promise<Error | null>((done) => database.exec('BEGIN EXCLUSIVE', done));
  if (error && (error as NodeJS.ErrnoException).code !== 'SQLITE_BUSY') throw error;
  if (error) database.close();
  else held = database;
  return held === database;
}

/** One lock for one file, however it is spelled and linked. */
function trueNameOf(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return join(realpathSync(dirname(file)), basename(file));
}

function open(file: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(database)));
  });
}
