import type { ClientBase, QueryConfig } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import {
  Database,
  type BatchUpdate,
  type ColumnType,
  type Parameter,
  type Runner,
  type StatementOptions,
} from './database.js';

/** Statements over TypeORM's pool of connections. */
export class PostgresDatabase extends Database {
  readonly kind = 'postgres';
  private readonly preparedNames = new Map<string, string>();

  /** @param canPrepare false behind a pooler, which gives a client another connection with each statement */
  constructor(
    private readonly dataSource: DataSource,
    private readonly canPrepare: boolean,
  ) {
    super();
  }

  read<Row>(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    return this.write(sql, parameters);
  }

  async write<Row>(sql: string, parameters: Parameter[] = [], options: StatementOptions = {}): Promise<Row[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await this.statementsOn(runner).write(sql, parameters, options);
    } finally {
      await runner.release();
    }
  }

  table(parameter: string, columns: Record<string, ColumnType>): string {
    const types = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    return `(SELECT * FROM json_to_recordset(${parameter}::json) AS r(${types.join(', ')}))`;
  }

  /** Locks the rows in the order of their ids: batches that lock in different orders deadlock, sorted values or not. */
  updateMany({ table, values, key, set, where, returning, skipLocked }: BatchUpdate): string {
    return `WITH v AS ${values},
      locked AS (
        SELECT t.id AS locked_id FROM ${table} t JOIN v ON v.${key} = t.id
        WHERE ${where} ORDER BY t.id FOR NO KEY UPDATE OF t ${skipLocked ? 'SKIP LOCKED' : ''}
      )
      UPDATE ${table} AS t SET ${set} FROM v JOIN locked l ON l.locked_id = v.${key}
      WHERE t.id = v.${key} RETURNING ${returning}`;
  }

  async currentTime(): Promise<number> {
    const sql = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at';
    const [row] = await this.read<{ at: number }>(sql);
    return row!.at;
  }

  protected commit<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
    return this.dataSource.transaction((manager) => work(this.statementsOn(manager.queryRunner!)));
  }

  private statementsOn(runner: QueryRunner): Runner {
    return {
      read: (sql, parameters = []) => run(runner, sql, parameters),
      write: (sql, parameters = [], { keepPrepared } = {}) =>
        keepPrepared && this.canPrepare
          ? runPrepared(runner, { name: this.nameOf(sql), text: sql, values: parameters })
          : run(runner, sql, parameters),
    };
  }

  private nameOf(sql: string): string {
    const name = this.preparedNames.get(sql) ?? `latchkey_${this.preparedNames.size}`;
    this.preparedNames.set(sql, name);
    return name;
  }
}

/** Not over TypeORM's method, which knows no names. */
async function runPrepared<Row>(runner: QueryRunner, query: QueryConfig): Promise<Row[]> {
  const client = (await runner.connect()) as ClientBase;
  const { rows } = await client.query(query);
  return rows as Row[];
}

/** A structured result has the rows of every kind of statement in one place. */
async function run<Row>(runner: QueryRunner, sql: string, parameters: Parameter[]): Promise<Row[]> {
  const { records } = await runner.query(sql, parameters, true);
  return records as Row[];
}
