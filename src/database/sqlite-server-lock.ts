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
  const lockFile = `${file}.lock`;
  makePrivateFile(lockFile);
  const database = new sqlite3.Database(lockFile);
  database.configure('busyTimeout', PATIENCE_MS);
  const error = await new Promise<Error | null>((done) => database.exec('BEGIN EXCLUSIVE', done));
  if (error && (error as NodeJS.ErrnoException).code !== 'SQLITE_BUSY') throw error;
  if (error) database.close();
  else held = database;
  return held === database;
}
