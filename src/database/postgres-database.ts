import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import {
  Database,
  type BatchUpdate,
  type ColumnType,
  type Parameter,
  type Runner,
  type StatementOptions,
} from './database.js';

/**
 * A prepared statement that exists no more (26000) or already (42P05): a pooler changed the connection. Or whose result has
 * other types (0A000): a migration changed a column.
 */
const NOT_AS_PREPARED = new Set(['26000', '42P05', '0A000']);

/** Statements over TypeORM's pool of connections. */
export class PostgresDatabase extends Database {
  readonly kind = 'postgres';
  private readonly preparedNames = new Map<string, string>();

  /** @param canPrepare false behind a pooler, which gives a client another connection with each statement */
  constructor(
    private readonly dataSource: DataSource,
    private canPrepare: boolean,
  ) {
    super();
  }

  read<Row>(sql: string, parameters: Parameter[] = []): Promise<Row[]> {
    return this.write(sql, parameters);
  }

  async write<Row>(sql: string, parameters: Parameter[] = [], { keepPrepared }: StatementOptions = {}): Promise<Row[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return keepPrepared && this.canPrepare
        ? await this.runPrepared(runner, sql, parameters)
        : await run(runner, sql, parameters);
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
    return this.dataSource.transaction((manager) => work(statementsOn(manager.queryRunner!)));
  }

  /** Where the connection does not know the statement any more, or not as it was: once without a name, and no names from now on. */
  private async runPrepared<Row>(runner: QueryRunner, sql: string, parameters: Parameter[]): Promise<Row[]> {
    const client = (await runner.connect()) as ClientBase;
    try {
      // Not over TypeORM's method, which knows no names.
      const { rows } = await client.query({ name: this.nameOf(sql), text: sql, values: parameters });
      return rows as Row[];
    } catch (error) {
      if (!NOT_AS_PREPARED.has(String((error as { code?: unknown }).code))) throw error;
      this.canPrepare = false;
      return run(runner, sql, parameters);
    }
  }

  /** Of the text: behind a pooler, processes of different builds and configurations may share a connection. */
  private nameOf(sql: string): string {
    const known = this.preparedNames.get(sql);
    if (known) return known;
    const name = `latchkey_${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
    this.preparedNames.set(sql, name);
    return name;
  }
}

function statementsOn(runner: QueryRunner): Runner {
  const onRunner = <Row>(sql: string, parameters: Parameter[] = []) => run<Row>(runner, sql, parameters);
  return { read: onRunner, write: onRunner };
}

/** A structured result has the rows of every kind of statement in one place. */
async function run<Row>(runner: QueryRunner, sql: string, parameters: Parameter[]): Promise<Row[]> {
  const { records } = await runner.query(sql, parameters, true);
  return records as Row[];
}
