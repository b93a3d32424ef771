import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, DatabaseError, Pool } from 'pg';
import sqlite3 from 'sqlite3';
import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { databaseProblem, mayBeOneRow } from './database-errors.js';

/** As TypeORM throws it. */
const failed = (error: Error) => new QueryFailedError('SELECT 1', [], error);

function postgresError(code: string): DatabaseError {
  return Object.assign(new DatabaseError(`SQLSTATE ${code}`, 0, 'error'), { code });
}

async function errorOf(work: () => Promise<unknown>): Promise<Error> {
  return work().then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as Error,
  );
}

describe('an error of PostgreSQL', () => {
  it.each([
    ['08006', 'the connection failed'],
    ['53100', 'the disk is full'],
    ['53300', 'too many connections'],
    ['57014', 'statement_timeout'],
    ['57P01', 'the server was told to stop, or this backend to end'],
    ['57P03', 'the server is starting'],
    ['55P03', 'lock_timeout'],
    ['40001', 'serialization failure'],
    ['40P01', 'deadlock'],
    ['25006', 'read-only, as after a failover'],
    ['25P03', 'idle in a transaction for too long'],
  ])('%s becomes a 503: %s', (code) => {
    const error = failed(postgresError(code));
    expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable', status: 503, cause: error });
    expect(databaseProblem(postgresError(code))).toMatchObject({ code: 'database_unavailable' });
  });

  it.each([
    ['23505', 'a unique value is there already'],
    ['23503', 'a foreign key points nowhere'],
    ['22021', 'a character that cannot be stored'],
    ['22P02', 'not a uuid'],
    ['42P01', 'no such table'],
    ['42501', 'no permission'],
    ['28P01', 'the wrong password'],
  ])('%s stays an internal error: %s', (code) => {
    expect(databaseProblem(failed(postgresError(code)))).toBeUndefined();
  });

  it.each([
    ['55P03', true],
    ['57014', true],
    ['40001', true],
    ['40P01', true],
    ['22P02', true],
    ['08006', false],
    ['57P01', false],
    ['53300', false],
  ])('%s may be caused by one row of a batch: %s', (code, expected) => {
    expect(mayBeOneRow(failed(postgresError(code)))).toBe(expected);
  });
});

describe('a connection error of PostgreSQL', () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
  });

  /** A TCP server in place of PostgreSQL, which handles each connection as given. */
  async function listening(onConnection: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      onConnection(socket);
    });
    servers.push(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return (server.address() as AddressInfo).port;
  }

  async function connectError(port: number): Promise<Error> {
    const pool = new Pool({ host: '127.0.0.1', port, user: 'u', database: 'd', connectionTimeoutMillis: 200 });
    try {
      return await errorOf(() => pool.connect());
    } finally {
      await pool.end();
    }
  }

  async function closedPort(): Promise<number> {
    const port = await listening(() => {});
    await new Promise((closed) => servers.pop()!.close(closed));
    return port;
  }

  it('becomes a 503 when nothing listens on the port', async () => {
    const error = await connectError(await closedPort());
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable' });
    expect(mayBeOneRow(error)).toBe(false);
  });

  it('becomes a 503 when nothing listens on any address of the host', async () => {
    const errors = [await connectError(await closedPort()), await connectError(await closedPort())];
    expect(databaseProblem(new AggregateError(errors))).toMatchObject({ code: 'database_unavailable' });
  });

  it('becomes a 503 when the server closes the connection', async () => {
    const error = await connectError(await listening((socket) => socket.end()));
    expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable' });
  });

  it('becomes a 503 when the server is silent, for a pool and a single client', async () => {
    const port = await listening(() => {});
    expect(databaseProblem(await connectError(port))).toMatchObject({ code: 'database_unavailable' });
    const client = new Client({ host: '127.0.0.1', port, user: 'u', connectionTimeoutMillis: 200 });
    const error = await errorOf(() => client.on('error', () => {}).connect());
    expect({ message: error.message, problem: databaseProblem(error)?.code }).toEqual({
      message: 'timeout expired',
      problem: 'database_unavailable',
    });
  });

  it.each([
    'Query read timeout',
    'timeout exceeded when trying to connect',
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('becomes a 503 for a driver error without a code: %s', (message) => {
    expect(databaseProblem(failed(new Error(message)))).toMatchObject({ code: 'database_unavailable' });
    expect(mayBeOneRow(failed(new Error(message)))).toBe(false);
  });

  it.each([new QueryRunnerAlreadyReleasedError(), new QueryRunnerProviderAlreadyReleasedError()])(
    'becomes a 503 when the server killed the transaction: $constructor.name',
    (error) => {
      expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable' });
    },
  );
});

describe('an error of SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-errors-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function open(name: string, mode: number): Promise<sqlite3.Database> {
    return new Promise((resolve, reject) => {
      const database = new sqlite3.Database(join(folder, name), mode, (error) =>
        error ? reject(error) : resolve(database),
      );
    });
  }
  const run = (database: sqlite3.Database, sql: string) =>
    new Promise<void>((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
  const write = sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE;

  it('becomes a 503 while another connection holds the write lock', async () => {
    const [one, two] = [await open('busy', write), await open('busy', write)];
    await run(one, 'CREATE TABLE t (a)');
    await run(one, 'BEGIN EXCLUSIVE');
    const error = failed(await errorOf(() => run(two, 'INSERT INTO t VALUES (1)')));
    expect(error).toMatchObject({ code: 'SQLITE_BUSY' });
    expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable' });
    expect(mayBeOneRow(error)).toBe(false);
  });

  it('becomes a 503 when the file is read-only, cannot be opened, or is full', async () => {
    await run(await open('full', write), 'CREATE TABLE t (a)');
    const full = await open('full', write);
    await run(full, 'PRAGMA max_page_count = 2');
    const readOnly = await open('full', sqlite3.OPEN_READONLY);
    const errors = [
      await errorOf(() => run(readOnly, 'INSERT INTO t VALUES (1)')),
      await errorOf(() => open('no/such/folder', write)),
      await errorOf(() => run(full, 'INSERT INTO t VALUES (zeroblob(10000))')),
    ];
    expect(errors.map((error) => (error as NodeJS.ErrnoException).code)).toEqual([
      'SQLITE_READONLY',
      'SQLITE_CANTOPEN',
      'SQLITE_FULL',
    ]);
    for (const error of errors) expect(databaseProblem(failed(error))).toMatchObject({ status: 503 });
  });

  it('stays an internal error for a wrong constraint, name or file', async () => {
    const database = await open('wrong', write);
    await run(database, 'CREATE TABLE t (a UNIQUE)');
    writeFileSync(join(folder, 'text'), 'This is not a database. '.repeat(100));
    const text = await open('text', write);
    for (const error of [
      await errorOf(() => run(database, 'INSERT INTO t VALUES (1), (1)')),
      await errorOf(() => run(database, 'SELECT * FROM nowhere')),
      await errorOf(() => run(text, 'SELECT * FROM t')),
    ]) {
      expect(databaseProblem(failed(error))).toBeUndefined();
    }
  });
});

describe('any other error', () => {
  it.each([
    new Error('a bug'),
    new TypeError('x is not a function'),
    'text',
    null,
    undefined,
    { code: 'ECONNREFUSED' },
    Object.assign(new Error('from a library'), { code: 'ERR_INVALID_ARG_TYPE' }),
    new AggregateError([new Error('a bug')]),
  ])('is not a database problem: %s', (error) => {
    expect(databaseProblem(error)).toBeUndefined();
    expect(mayBeOneRow(error)).toBe(true);
  });
});
