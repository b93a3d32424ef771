import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  Database,
  type BatchUpdate,
  type ColumnType,
  type Parameter,
  type Runner,
  type StatementOptions,
} from './database.js';
import { openConnection, type SqliteConnection } from './sqlite-connection.js';
import { toSqlite } from './sqlite-dialect.js';
import { SqliteWriter } from './sqlite-writer.js';

/**
 * Statements over two connections to one file. Everything that writes goes over a connection of its own, one at a time:
 * TypeORM runs all requests over one connection, where a transaction would include the statements of other requests, and
 * its rollback would undo their committed writes. And two connections that wait for each other's lock each block one of
 * the four threads of libuv while they wait; a few of them starve the one that holds the lock.
 */
export class SqliteDatabase extends Database implements OnModuleInit, OnApplicationShutdown {
  readonly kind = 'sqlite';
  private readonly writer: SqliteWriter;

  constructor(private readonly dataSource: DataSource) {
    super();
    this.writer = new SqliteWriter(dataSource.options);
  }

  async onModuleInit(): Promise<void> {
    await this.writer.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.writer.close();
  }

  read<Row>(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    return statementsOn(openConnection(this.dataSource)).read(sql, parameters);
  }

  write<Row>(sql: string, parameters: Parameter[] = [], options: StatementOptions = {}): Promise<Row[]> {
    return this.writer.inTurn((connection) => statementsOn(connection).write<Row>(sql, parameters, options));
  }

  table(parameter: string, columns: Record<string, ColumnType>): string {
    const fields = Object.keys(columns).map((name) => `value ->> '${name}' AS ${name}`);
    return `(SELECT ${fields.join(', ')} FROM json_each(${parameter}))`;
  }

  /** With one writer there is nothing to lock, and a join for it would make the statement quadratic. */
  updateMany({ table, values, key, set, where, returning }: BatchUpdate): string {
    return `UPDATE ${table} AS t SET ${set} FROM ${values} AS v WHERE t.id = v.${key} AND ${where} RETURNING ${returning}`;
  }

  async currentTime(): Promise<number> {
    const sql = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS at";
    const [row] = await this.read<{ at: number }>(sql);
    return row!.at;
  }

  protected commit<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    return this.writer.transaction((connection) => work(statementsOn(connection)));
  }

  /** A number that changes when another process writes to the file, and not when this one does. */
  async dataVersion(): Promise<number> {
    const [row] = await this.write<{ data_version: number }>('PRAGMA data_version');
    return row!.data_version;
  }
}

function statementsOn(connection: SqliteConnection): Runner {
  return {
    read: (sql, parameters = []) => connection.all(toSqlite(sql), parameters),
    write: (sql, parameters = [], { keepPrepared } = {}) =>
      keepPrepared ? connection.allPrepared(toSqlite(sql), parameters) : connection.all(toSqlite(sql), parameters),
  };
}
