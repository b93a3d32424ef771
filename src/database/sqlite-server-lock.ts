import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sqlite3 from 'sqlite3';
import { makePrivateFile } from './private-file.js';

/** How long a server that is shutting down may still hold the lock. */
const LOCK_TIMEOUT_MS = 5000;
let held: sqlite3.Database | undefined;

/**
 * Allows one server on a SQLite file, because a second one would not learn of the revocations of the first. Locks a file
 * beside it until the process exits, cleanly or not; command-line tools do not need the lock. False when another server
 * holds it.
 */
export async function holdServerLock(file: string): Promise<boolean> {
  const lockFile = `${realPathOf(file)}.lock`;
  makePrivateFile(lockFile);
  const database = await open(lockFile);
  database.configure('busyTimeout', LOCK_TIMEOUT_MS);
  const error = await new Promise<Error | null>((done) => database.exec('BEGIN EXCLUSIVE', done));
  if (error && (error as NodeJS.ErrnoException).code !== 'SQLITE_BUSY') throw error;
  if (error) database.close();
  else held = database;
  return held === database;
}

/** The same file has one lock, also through links. */
function realPathOf(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return join(realpathSync(dirname(file)), basename(file));
}

function open(file: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, (error) => (error ? reject(error) : resolve(database)));
  });
}
