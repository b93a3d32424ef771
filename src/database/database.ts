import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { toSqlite } from './sqlite-dialect.js';
import { oneStatementAtATime, SqliteWriter } from './sqlite-writer.js';

export type Parameter = string | number | boolean | null;

export interface BatchUpdate {
  table: string;
  /** From `Database.table`. */
  values: string;
  key: string;
  set: string;
  where: string;
  /** Columns of the table alone, by their bare names. */
  returning: string;
  skipLocked: boolean;
}

const WRITES = /\b(INSERT INTO|UPDATE \w+ |DELETE FROM)\b/;

/**
 * The one place that knows how the two drivers differ. Statements are written once, for PostgreSQL, and answer with the
 * rows of their `RETURNING`.
 *
 * On SQLite everything that writes goes over a connection of its own, one at a time. TypeORM runs all requests over one
 * connection there: a transaction on it would take in other requests' statements, and its rollback would undo their
 * answered writes. And two connections that wait for each other's lock each block one of libuv's four threads while they
 * wait: a few of them starve the one that holds it.
 */
@Injectable()
export class Database implements OnModuleInit, OnApplicationShutdown {
  readonly isPostgres: boolean;
  private readonly writer: SqliteWriter | undefined;

  constructor(private readonly dataSource: DataSource) {
    this.isPostgres = dataSource.options.type === 'postgres';
    if (!this.isPostgres) this.writer = new SqliteWriter(dataSource.options);
  }

  async onModuleInit(): Promise<void> {
    if (!this.writer) return;
    await this.writer.open();
    oneStatementAtATime(this.dataSource);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.writer?.close();
  }

  /** Runs one statement, inside the transaction of `manager` if one is given, and answers its rows. */
  async rows<Row>(sql: string, parameters: Parameter[] = [], manager?: EntityManager): Promise<Row[]> {
    if (manager?.queryRunner) return this.run<Row>(manager.queryRunner, sql, parameters);
    if (this.writer && WRITES.test(sql)) return this.writer.inTurn((runner) => this.run<Row>(runner, sql, parameters));
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
    return this.writer ? this.writer.transaction(work) : this.dataSource.transaction(work);
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

  /**
   * An UPDATE of many rows at once, each with values of its own. On PostgreSQL it locks them in the order of their ids,
   * which keeps batches from deadlocking (sorted values alone do not), and can skip rows that somebody else holds, so that
   * one stuck row holds up nobody else. On SQLite, which has one writer, there is nothing to lock, and the extra join
   * would make it quadratic.
   *
   * @param update `set` and `where` call the table `t` and the values `v`; `key` is the value that is the row's id
   */
  updateMany(update: BatchUpdate): string {
    const { table, values, key, set, where, returning, skipLocked } = update;
    if (!this.isPostgres) {
      return `UPDATE ${table} AS t SET ${set} FROM ${values} AS v WHERE t.id = v.${key} AND ${where} RETURNING ${returning}`;
    }
    return `WITH v AS ${values},
      locked AS (
        SELECT t.id AS locked_id FROM ${table} t JOIN v ON v.${key} = t.id
        WHERE ${where} ORDER BY t.id FOR NO KEY UPDATE OF t ${skipLocked ? 'SKIP LOCKED' : ''}
      )
      UPDATE ${table} AS t SET ${set} FROM v JOIN locked l ON l.locked_id = v.${key}
      WHERE t.id = v.${key} RETURNING ${returning}`;
  }

  /** SQLite: a number that changes when another program writes to the file, and not when this process does. */
  versionByOthers(): Promise<number> {
    return this.writer!.inTurn(async (runner) => {
      const [row] = (await runner.query('PRAGMA data_version')) as [{ data_version: number }];
      return row.data_version;
    });
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
