import pLimit from 'p-limit';
import { DataSource, type DataSourceOptions, type EntityManager, type QueryRunner } from 'typeorm';
import { Problem } from '../problem/problem.js';
import { TIMEOUTS } from './connection-options.js';

/** The connection over which everything that this process writes to a SQLite file goes, one at a time. */
export class SqliteWriter {
  private readonly dataSource: DataSource;
  private readonly queue = pLimit(1);

  constructor(options: DataSourceOptions) {
    this.dataSource = new DataSource(options);
  }

  async open(): Promise<void> {
    await this.dataSource.initialize();
    oneStatementAtATime(this.dataSource);
  }

  async close(): Promise<void> {
    await this.queue(async () => {
      if (this.dataSource.isInitialized) await this.dataSource.destroy();
    });
  }

  /**
   * Waits its turn, for as long as a statement may wait for a lock; then 503, whatever those before it are waiting for.
   */
  inTurn<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let tooLate = false;
      const timer = setTimeout(() => {
        tooLate = true;
        reject(new Problem('database_unavailable'));
      }, TIMEOUTS.statement);
      void this.queue(async () => {
        clearTimeout(timer);
        if (!tooLate) await work(this.dataSource.createQueryRunner()).then(resolve, reject);
      });
    });
  }

  /** Takes the write lock at once: a transaction that reads first and writes later can fail half-way. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTurn(async (runner) => {
      await runner.query('BEGIN IMMEDIATE');
      try {
        const result = await work(runner.manager);
        await runner.query('COMMIT');
        return result;
      } catch (error) {
        // A failed COMMIT may have ended the transaction already: then there is nothing left to roll back.
        await runner.query('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }
}

/**
 * SQLite runs one statement of a connection at a time anyway; the others would each hold one of libuv's four threads
 * while they wait, and those are needed for hashing, files and DNS.
 */
export function oneStatementAtATime(dataSource: DataSource): void {
  (dataSource.driver as unknown as { databaseConnection: { serialize(): void } }).databaseConnection.serialize();
}
