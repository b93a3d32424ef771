import pLimit from 'p-limit';
import { DataSource, type DataSourceOptions, type EntityManager, type QueryRunner } from 'typeorm';
import { Problem } from '../common/problem/problem.js';
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
   * Waits its turn. Where somebody else holds the file for long, each in the queue would wait for the whole of the busy
   * time-out after the one before: whoever has waited that long already is answered at once.
   */
  inTurn<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const since = performance.now();
    return this.queue(async () => {
      if (performance.now() - since > TIMEOUTS.statement) throw new Problem('database_unavailable');
      return work(this.dataSource.createQueryRunner());
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
