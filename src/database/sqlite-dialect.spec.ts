import sqlite3 from 'sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import { toSqlite } from './sqlite-dialect.js';

describe('a PostgreSQL statement on SQLite', () => {
  const database = new sqlite3.Database(':memory:');
  afterAll(() => new Promise((closed) => database.close(closed)));

  /** The result of the translation on SQLite. */
  function responses(sql: string, parameters: unknown[] = []): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      database.all(toSqlite(sql), parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  }

  it.each([
    ['$1::uuid', '?1'],
    ['$1::json', '?1'],
    ['$1::text[]', '?1'],
    ['(extract(epoch FROM at) * 1000)::bigint', '(extract(epoch FROM at) * 1000)'],
    ["'5'::integer", "'5'"],
  ])('loses its casts: %s', (sql, expected) => {
    expect(toSqlite(sql)).toBe(expected);
  });

  it.each([
    'FOR UPDATE',
    'FOR SHARE',
    'FOR NO KEY UPDATE',
    'FOR UPDATE OF s',
    'FOR NO KEY UPDATE OF s SKIP LOCKED',
    'FOR UPDATE SKIP LOCKED',
  ])('loses its row locks: %s', (lock) => {
    expect(toSqlite(`SELECT id FROM sessions s ORDER BY s.id ${lock}`)).toBe(
      'SELECT id FROM sessions s ORDER BY s.id ',
    );
    expect(toSqlite(`(SELECT id FROM sessions s ORDER BY s.id ${lock})`)).toMatch(/ORDER BY s\.id \)$/);
  });

  it('keeps UPDATE and SHARE outside a lock clause', () => {
    const sql = 'WITH x AS (SELECT 1) UPDATE sessions SET a = 1 ON CONFLICT (a) DO UPDATE SET share = 2';
    expect(toSqlite(sql)).toBe(sql);
  });

  it('computes LEAST and GREATEST of several values', async () => {
    expect(
      await responses('SELECT LEAST($1::bigint, $2::bigint) AS a, GREATEST(1, LEAST(5, 7), 3) AS b', [9, 4]),
    ).toEqual([{ a: 4, b: 5 }]);
  });

  it('divides integers to integers, also large ones that the driver binds as floats', async () => {
    const now = 1_796_000_000_123;
    expect(await responses('SELECT $1::bigint / 86400000 AS day, $2::integer / 2 AS half', [now, 7])).toEqual([
      { day: 20_787, half: 3 },
    ]);
  });

  it('may use a parameter twice, and in any order', async () => {
    expect(await responses('SELECT $1::text AS a, $2::text AS b, $1::text AS c', ['x', 'y'])).toEqual([
      { a: 'x', b: 'y', c: 'x' },
    ]);
    expect(await responses('SELECT $2::text AS a, $1::text AS b', ['x', 'y'])).toEqual([{ a: 'y', b: 'x' }]);
  });

  it('may have more than nine parameters', async () => {
    const parameters = Array.from({ length: 12 }, (_, i) => `p${i + 1}`);
    expect(await responses('SELECT $1::text AS a, $10::text AS b, $12::text AS c', parameters)).toEqual([
      { a: 'p1', b: 'p10', c: 'p12' },
    ]);
  });
});
