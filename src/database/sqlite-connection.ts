import type sqlite3 from 'sqlite3';
import type { DataSource } from 'typeorm';
import type { Parameter } from './database.js';

/** A connection to a SQLite file, without the query runner of TypeORM: that one drops the rows of `UPDATE … RETURNING`. */
export class SqliteConnection {
  private readonly prepared = new Map<string, sqlite3.Statement>();

  constructor(private readonly connection: sqlite3.Database) {}

  /** How long the statements from now on wait for the lock of another process, in milliseconds. */
  waitForLock(ms: number): void {
    this.connection.configure('busyTimeout', Math.max(1, Math.round(ms)));
  }

  /** The rows of one statement, which stays prepared. Throws as `all`. */
  async allPrepared<Row>(sql: string, parameters: Parameter[]): Promise<Row[]> {
    const statement = this.prepared.get(sql) ?? (await this.prepare(sql));
    this.prepared.set(sql, statement);
    return new Promise((resolve, reject) => {
      statement.all<Row>(parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  }

  /** Throws the driver's error: without a callback it would be an event, which ends the process. */
  private prepare(sql: string): Promise<sqlite3.Statement> {
    return new Promise((resolve, reject) => {
      const statement = this.connection.prepare(sql, (error: Error | null) =>
        error ? reject(error) : resolve(statement),
      );
    });
  }

  /** Has to come before the connection is closed: SQLite does not close one with prepared statements. */
  async finalize(): Promise<void> {
    for (const statement of this.prepared.values()) await new Promise((done) => statement.finalize(done as never));
    this.prepared.clear();
  }

  /** The rows of one statement. Throws the driver's error, whose `code` is like `SQLITE_BUSY`. */
  all<Row>(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.connection.all<Row>(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  }
}

/**
 * The open connection of a data source. SQLite runs one statement of a connection at a time anyway; without `serialize`,
 * the others would each occupy one of the four threads of libuv while they wait, and hashing, files and DNS need those.
 */
export function openConnection(dataSource: DataSource): SqliteConnection {
  const { databaseConnection } = dataSource.driver as unknown as { databaseConnection: sqlite3.Database };
  databaseConnection.serialize();
  return new SqliteConnection(databaseConnection);
}
