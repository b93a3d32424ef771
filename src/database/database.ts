export type Parameter = string | number | boolean | null;

export interface StatementOptions {
  /**
   * Each connection keeps the statement prepared, and every text for ever: for the few statements of every refresh, which
   * take longer to parse and plan than to run. Not in transactions.
   */
  keepPrepared?: boolean;
}

/**
 * Runs statements that are written once, for PostgreSQL (`$1::uuid`, `RETURNING`, row locks). Both methods resolve to the
 * rows of the result. Throw the driver's error: `database-errors.ts` tells which of them mean 503.
 */
export interface Runner {
  /** For statements that change nothing. */
  read<Row>(sql: string, parameters?: Parameter[]): Promise<Row[]>;
  /** For everything else. */
  write<Row>(sql: string, parameters?: Parameter[], options?: StatementOptions): Promise<Row[]>;
}

/** The statements of a transaction, or each of its own. */
export interface Statements extends Runner {
  /** `then` is called after the commit of the transaction, and never without one; at once outside of a transaction. */
  afterCommit(then: () => void): void;
}

/**
 * An UPDATE of many rows with values of their own. `set` and `where` call the table `t` and the values `v`. Where two values
 * have one key, `where` decides for one of them and `set` may take the other: then `set` must not use `v`.
 */
export interface BatchUpdate {
  table: string;
  /** From `Database.table`. */
  values: string;
  /** The column of `values` that holds the id of the row. */
  key: string;
  set: string;
  where: string;
  /** Columns of the table, by their bare names. */
  returning: string;
  /** Whether to pass over rows that another transaction has locked, so that one stuck row delays no other. */
  skipLocked: boolean;
}

export type ColumnType = 'uuid' | 'integer' | 'bigint' | 'text';

/**
 * The database of this process. Its two implementations, `postgres-database.ts` and `sqlite-database.ts`, are the only
 * places that know how the drivers differ. Also the injection token.
 */
export abstract class Database implements Statements {
  abstract readonly kind: 'postgres' | 'sqlite';

  abstract read<Row>(sql: string, parameters?: Parameter[]): Promise<Row[]>;
  abstract write<Row>(sql: string, parameters?: Parameter[], options?: StatementOptions): Promise<Row[]>;

  /** Commits all of `work` or nothing. Only what goes through its argument belongs to the transaction. */
  async transaction<T>(work: (transaction: Statements) => Promise<T>): Promise<T> {
    const listeners: (() => void)[] = [];
    const result = await this.commit(({ read, write }) =>
      work({ read, write, afterCommit: (then) => void listeners.push(then) }),
    );
    for (const then of listeners) then();
    return result;
  }

  afterCommit(then: () => void): void {
    then();
  }

  /**
   * SQL for a table that is read from one JSON parameter, so that a batch of any size is one statement with one text. The
   * members of the objects are the columns.
   *
   * @param parameter `$n`, whose value is `JSON.stringify(rows)`
   */
  abstract table(parameter: string, columns: Record<string, ColumnType>): string;

  /** SQL of a `BatchUpdate`. */
  abstract updateMany(update: BatchUpdate): string;

  /** The clock of the database, in milliseconds since the epoch. */
  abstract currentTime(): Promise<number>;

  /** Runs `work` in a transaction, over one connection. */
  protected abstract commit<T>(work: (runner: Runner) => Promise<T>): Promise<T>;
}
