import { promisify } from 'node:util';
import sqlite3 from 'sqlite3';

/** One row for each session, in SQLite: every rotation is a durable commit of its own. */
export async function openSessions(file) {
  const database = new sqlite3.Database(file);
  await promisify(database.exec.bind(database))(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE sessions (id text PRIMARY KEY, generation integer NOT NULL);
  `);
  const changes = (statement, parameters) =>
    new Promise((done, failed) => {
      // A function, because sqlite3 gives the number of rows as `this.changes`.
      database.run(statement, parameters, function (error) {
        if (error) failed(error);
        else done(this.changes);
      });
    });
  return {
    insert: (id) => changes('INSERT INTO sessions VALUES (?, 0)', [id]),
    rotate: async (id, generation) => {
      const statement = 'UPDATE sessions SET generation = generation + 1 WHERE id = ? AND generation = ?';
      return (await changes(statement, [id, generation])) === 1;
    },
  };
}
