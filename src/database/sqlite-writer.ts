import pLimit from 'p-limit';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Problem } from '../problem/problem.js';
import { TIMEOUTS } from './connection-options.js';
import { openConnection, type SqliteConnection } from './sqlite-connection.js';

/** The connection for everything that this process writes to a SQLite file, one statement or transaction at a time. */
export class SqliteWriter {
  private readonly dataSource: DataSource;
  private readonly queue = pLimit(1);
  private connection: SqliteConnection | undefined;

  constructor(options: DataSourceOptions) {
    this.dataSource = new DataSource(options);
  }

  async open(): Promise<void> {
    await this.dataSource.initialize();
    this.connection = openConnection(this.dataSource);
  }

  async close(): Promise<void> {
    await this.queue(async () => {
      if (!this.dataSource.isInitialized) return;
      await this.connection?.finalize();
      await this.dataSource.destroy();
    });
  }

  /**
   * Waits as long as a statement may: first for its turn, then, with what is left of that time, for the lock of another
   * process. Throws `database_unavailable` without a turn, and the driver's `SQLITE_BUSY` without the lock.
   */
  inTurn<T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const since = performance.now();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(new Problem('database_unavailable'));
      }, TIMEOUTS.statement);
      void this.queue(async () => {
        clearTimeout(timer);
        if (isLate) return;
        const timeLeft = TIMEOUTS.statement - (performance.now() - since);
        await this.run(work, timeLeft).then(resolve, reject);
      });
    });
  }

  private async run<T>(work: (connection: SqliteConnection) => Promise<T>, lockTimeoutMs: number): Promise<T> {
    if (!this.connection) throw new Error('the connection for writing is not open');
    this.connection.waitForLock(lockTimeoutMs);
    return work(this.connection);
  }

  /** Takes the write lock at once: a transaction that reads first and writes later can fail half-way. */
  transaction<T>(work: (connection: SqliteConnection) => Promise<T>): Promise<T> {
    return this.inTurn(async (connection) => {
      await connection.all('BEGIN IMMEDIATE');
      try {
        const result = await work(connection);
        await connection.all('COMMIT');
        return result;
      } catch (error) {
        // A failed COMMIT may have ended the transaction already: then there is nothing left to roll back.
        await connection.all('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }
}
