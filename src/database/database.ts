import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pLimit from 'p-limit';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { toSqlite } from './sqlite-dialect.js';

export type Parameter = string | number | boolean | null;

/**
 * The one place that knows how the two drivers differ. Statements are written once, for PostgreSQL, with `$1`
 * parameters that appear in ascending order, and answer with the rows of their `RETURNING`.
 */
@Injectable()
export class Database implements OnModuleInit, OnApplicationShutdown {
  readonly isPostgres: boolean;
  /**
   * SQLite only. TypeORM runs all requests over one connection there, so a transaction on it would take in other
   * requests' statements, and its rollback would undo their answered writes. Transactions have a connection of
   * their own, one at a time.
   */
  private readonly transactions: DataSource | undefined;
  private readonly oneAtATime = pLimit(1);

  constructor(private readonly dataSource: DataSource) {
    this.isPostgres = dataSource.options.type === 'postgres';
    if (!this.isPostgres) this.transactions = new DataSource(dataSource.options);
  }

  async onModuleInit(): Promise<void> {
    await this.transactions?.initialize();
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.transactions?.isInitialized) await this.transactions.destroy();
  }

  /** Runs one statement, inside the transaction of `manager` if one is given, and answers its rows. */
  async rows<Row>(sql: string, parameters: Parameter[] = [], manager?: EntityManager): Promise<Row[]> {
    if (manager?.queryRunner) return this.run<Row>(manager.queryRunner, sql, parameters);
    const runner = this.dataSource.createQueryRunner();
    try {
      return await this.run<Row>(runner, sql, parameters);
    } finally {
      await runner.release();
    }
  }

  private async run<Row>(runner: QueryRunner, sql: string, parameters: Parameter[]): Promise<Row[]> {
    const { records } = await runner.query(this.isPostgres ? sql : toSqlite(sql), parameters, true);
    return records as Row[];
  }

  /** All of `work` or nothing. Only what goes through `manager` belongs to the transaction. */
  async transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (!this.transactions) return this.dataSource.transaction(work);
    const { transactions } = this;
    return this.oneAtATime(() => immediately(transactions, work));
  }

  /**
   * A table made of one JSON parameter, so that a batch of any size is one statement with one text. The fields of
   * the objects are the columns.
   *
   * @param parameter `$n` of `JSON.stringify(rows)`
   */
  table(parameter: string, columns: Record<string, 'uuid' | 'integer' | 'bigint' | 'text'>): string {
    const list = Object.entries(columns);
    if (this.isPostgres) {
      const types = list.map(([name, type]) => `${name} ${type}`).join(', ');
      return `(SELECT * FROM json_to_recordset(${parameter}::json) AS r(${types}))`;
    }
    const fields = list.map(([name]) => `value ->> '${name}' AS ${name}`).join(', ');
    return `(SELECT ${fields} FROM json_each(${parameter}))`;
  }

  /** How far this process's clock is ahead of the database's, in milliseconds. One statement. */
  async clockSkew(now: () => number): Promise<number> {
    const sql = this.isPostgres
      ? 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at'
      : "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS at";
    const before = now();
    const [row] = await this.rows<{ at: number }>(sql);
    return Math.round((before + now()) / 2 - row!.at);
  }
}

/** SQLite: takes the write lock at once; a transaction that reads first and writes later can fail half-way. */
async function immediately<T>(dataSource: DataSource, work: (manager: EntityManager) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
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
}
