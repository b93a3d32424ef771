import { promisify } from 'node:util';
import pg from 'pg';
import sqlite3 from 'sqlite3';

/**
 * A connection to a database of Latchkey, beside it.
 *
 * @typedef {object} Sql
 * @property {(statement: string) => Promise<any[]>} query
 * @property {(from: number, to: number) => string} series a table `series` of whole numbers `n`
 * @property {(tag: string, number: string) => string} uuid of an expression: ids that differ, in no order
 * @property {string[]} settle statements after many rows: as if the rows had always been there
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Sql>} */
export async function openPostgresSql(url) {
  const client = new pg.Client({ connectionString: url });
  // The statement that runs is rejected as well: without a listener, the process would end before it could report that.
  client.on('error', () => {});
  await client.connect();
  return {
    query: async (statement) => (await client.query(statement)).rows,
    series: (from, to) => `generate_series(${from}, ${to}) AS series(n)`,
    uuid: (tag, number) => `md5('${tag}' || (${number}))::uuid`,
    settle: ['VACUUM ANALYZE', 'CHECKPOINT'],
    close: () => client.end(),
  };
}

/** @returns {Promise<Sql>} */
export async function openSqliteSql(file) {
  const database = new sqlite3.Database(file);
  const query = promisify(database.all.bind(database));
  return {
    query,
    series: (from, to) =>
      `(WITH RECURSIVE s(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM s WHERE n < ${to}) SELECT n FROM s) AS series`,
    // An odd factor makes each number another one of 32 bits.
    uuid: (tag, number) =>
      `printf('%08x-%04x-4000-8000-%012x', ((${number}) * 2654435761) & 4294967295, ${tag.length}, ${number})`,
    settle: ['ANALYZE', 'PRAGMA wal_checkpoint(TRUNCATE)'],
    close: promisify(database.close.bind(database)),
  };
}
