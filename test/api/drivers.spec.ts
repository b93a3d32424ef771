import type { DataSource } from 'typeorm';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../src/database/connection-options.js';
import type { SessionRow } from '../../src/sessions/session-row.js';
import { Session } from '../../src/sessions/session.entity.js';
import { manySessions, openDatabase, openTwo, type BareDatabase } from '../support/database/bare-database.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';

const HOSTILE = [
  `it's; DROP TABLE users; --`,
  `"quoted" \\ backslash \\' \\u0041 \n\r\t`,
  `$1 $2 ?1 :name @p1 x::bigint FOR UPDATE OF s SKIP LOCKED LEAST(1) UPDATE users `,
  'Zoë 🦊 日本語 \u2028 ‮ \u{10ffff}',
  '007',
  '1e5',
  'null',
  '',
  ' ',
];

/** Each trap of the drivers, and then the behaviour of `Database`, for two processes on one database. */
describe('the database layer', () => {
  let server: ThrowawayDatabase;
  let both: Awaited<ReturnType<typeof openTwo>>;
  let one: BareDatabase;
  let two: BareDatabase;
  let plain: DataSource;
  beforeAll(async () => {
    server = await throwawayDatabase();
    both = await openTwo(server.url);
    ({ one, two, plain } = both);
  });
  beforeEach(() => both.clear());
  afterAll(async () => {
    await both.close();
    await server.drop();
  });

  const counters = () => plain.query<{ id: number }[]>('SELECT id FROM counters ORDER BY id');
  const insert = (id: number) => `INSERT INTO counters (id, value) VALUES (${id}, 0)`;
  const value = async (): Promise<unknown> => (await plain.query('SELECT value FROM counters WHERE id = 1'))[0].value;

  describe('a rollback', () => {
    const inTheMiddle = async (write: (sql: string) => Promise<unknown>, other: () => Promise<unknown>) => {
      await write(insert(1));
      await other();
      throw new Error('no');
    };

    it('also discards writes of other requests in TypeORM on SQLite (the trap)', async () => {
      const other = () => plain.query(insert(2));
      await expect(plain.transaction((manager) => inTheMiddle((sql) => manager.query(sql), other))).rejects.toThrow(
        'no',
      );
      expect(await counters()).toEqual(isPostgres ? [{ id: 2 }] : []);
    });

    it('discards only its own writes', async () => {
      const others: Promise<unknown>[] = [];
      const rolledBack = one.database.transaction((transaction) =>
        inTheMiddle(
          (sql) => transaction.write(sql),
          async () => {
            expect(await one.database.read('SELECT id FROM counters')).toEqual([]);
            others.push(
              one.database.write(insert(2)),
              one.database.transaction((other) => other.write(insert(3))),
            );
            others.push(one.dataSource.query(insert(4)), two.database.write(insert(5)));
          },
        ),
      );
      await expect(rolledBack).rejects.toThrow('no');
      await Promise.all(others);
      expect(await counters()).toEqual([2, 3, 4, 5].map((id) => ({ id })));
    });
  });

  describe('the result of a statement', () => {
    const STATEMENTS = [
      'INSERT INTO counters VALUES (1, 7), (2, 8) RETURNING id, value',
      'SELECT id, value FROM counters ORDER BY id',
      'UPDATE counters SET value = value RETURNING id, value',
      'WITH w AS (SELECT 1 AS a) UPDATE counters SET value = value + a - 1 FROM w RETURNING id, value',
      'DELETE FROM counters RETURNING id, value',
    ];
    const ROWS = [
      { id: 1, value: 7 },
      { id: 2, value: 8 },
    ];

    it('differs in TypeORM by statement and driver (the trap)', async () => {
      const results: unknown[] = [];
      for (const sql of STATEMENTS) results.push(await plain.query(sql));
      expect(results).toEqual(
        isPostgres ? [ROWS, ROWS, [ROWS, 2], [ROWS, 2], [ROWS, 2]] : [2, ROWS, undefined, ROWS, undefined],
      );
    });

    it('is the list of returned rows, with bigint as numbers', async () => {
      for (const sql of STATEMENTS) expect(await one.database.write(sql), sql).toEqual(ROWS);
      const inside = await one.database.transaction((transaction) => transaction.write(`${insert(9)} RETURNING id`));
      expect(inside).toEqual([{ id: 9 }]);
      expect(await one.database.write('UPDATE counters SET value = 1')).toEqual([]);
      expect(await one.database.write('UPDATE counters SET value = 1 WHERE id = 99 RETURNING id')).toEqual([]);
    });
  });

  describe('a transaction that reads first and writes later', () => {
    beforeEach(() => plain.query(insert(1)));

    it('fails on SQLite without a write lock at its start (the trap)', async () => {
      const trap = plain.transaction(async (manager) => {
        await manager.query('SELECT value FROM counters');
        await two.database.write('UPDATE counters SET value = 1');
        await manager.query('UPDATE counters SET value = 2');
      });
      const outcome = await trap.then(
        () => 'written',
        (error: { code: string }) => error.code,
      );
      expect(outcome).toBe(isPostgres ? 'written' : 'SQLITE_BUSY');
    });

    it('is serialised: 50 parallel increments by two processes make 50', async () => {
      const increment = ({ database }: BareDatabase) =>
        database.transaction(async (transaction) => {
          const sql = 'SELECT value FROM counters WHERE id = 1 FOR UPDATE';
          const [row] = await transaction.read<{ value: number }>(sql);
          await transaction.write('UPDATE counters SET value = $1::bigint WHERE id = 1', [row!.value + 1]);
        });
      await Promise.all(Array.from({ length: 50 }, (_, i) => increment(i % 2 ? one : two)));
      expect(await value()).toBe(50);
    });
  });

  describe('a statement that stays prepared', () => {
    const add = ({ database }: Pick<BareDatabase, 'database'>, id: number, more: number) =>
      database.write<{ value: number }>(
        'INSERT INTO counters (id, value) VALUES ($1::integer, $2::bigint / 2) RETURNING value',
        [id, more],
        { keepPrepared: true },
      );

    it('gives each time the rows of its values, also after an error', async () => {
      expect(await add(one, 1, 5)).toEqual([{ value: 2 }]);
      await expect(add(one, 1, 7)).rejects.toThrow(/unique/i);
      expect(await add(one, 2, 7)).toEqual([{ value: 3 }]);
      expect(await add(one, 3, 2 ** 41)).toEqual([{ value: 2 ** 40 }]);
      expect(await add(two, 4, 1)).toEqual([{ value: 0 }]);
    });

    it('follows a column that is added', async () => {
      await add(one, 1, 2);
      await plain.query('ALTER TABLE counters ADD COLUMN note integer DEFAULT 7');
      try {
        expect(await add(one, 2, 2)).toEqual([{ value: 1 }]);
      } finally {
        await plain.query('ALTER TABLE counters DROP COLUMN note');
      }
    });

    it('that cannot be prepared is an error each time, and works when it can be', async () => {
      const missing = () => one.database.write('UPDATE missing SET a = $1::integer', [1], { keepPrepared: true });
      for (let i = 0; i < 3; i++) await expect(missing()).rejects.toThrow(/no such table|does not exist/);
      await plain.query('CREATE TABLE missing (a integer)');
      try {
        expect(await missing()).toEqual([]);
      } finally {
        await plain.query('DROP TABLE missing');
      }
      expect(await add(one, 1, 4)).toEqual([{ value: 2 }]);
    });

    it.runIf(isPostgres)('runs without its name where the connection lost it, or a type changed', async () => {
      const lone = await openDatabase(server.url, { DATABASE_POOL_SIZE: '1' });
      await add(lone, 1, 2);
      await lone.database.write('DEALLOCATE ALL');
      expect(await add(lone, 2, 4)).toEqual([{ value: 2 }]);
      const other = await openDatabase(server.url, { DATABASE_POOL_SIZE: '1' });
      await add(other, 3, 2);
      await plain.query('ALTER TABLE counters ALTER COLUMN value TYPE integer');
      try {
        expect(await add(other, 4, 6)).toEqual([{ value: 3 }]);
      } finally {
        await plain.query('ALTER TABLE counters ALTER COLUMN value TYPE bigint');
        await lone.close();
        await other.close();
      }
    });

    it.runIf(isPostgres)('is not prepared behind a pooler, which changes the connection', async () => {
      const names = 'SELECT name FROM pg_prepared_statements';
      const pooled = await openDatabase(server.url, { DATABASE_POOL_SIZE: '1', DATABASE_DIRECT_URL: server.url });
      const direct = await openDatabase(server.url, { DATABASE_POOL_SIZE: '1' });
      for (const database of [pooled, direct]) await add(database, database === pooled ? 1 : 2, 1);
      expect(await pooled.database.read(names)).toEqual([]);
      expect(await direct.database.read(names)).toEqual([{ name: expect.stringMatching(/^latchkey_[0-9a-f]{16}$/) }]);
      await pooled.close();
      await direct.close();
    });
  });

  it.skipIf(isPostgres)('waits for a lock no longer than its turn has left of the time for a statement', async () => {
    const lockWait = () => one.database.write<{ timeout: number }>('PRAGMA busy_timeout');
    const first = one.database.transaction(() => pause(300));
    const [queued] = await lockWait();
    await first;
    expect(queued!.timeout).toBeLessThanOrEqual(TIMEOUTS.statement - 299);
  });

  it('returns bigint as numbers and NULL as null, in repositories and statements', async () => {
    const [id] = await manySessions(one, 1);
    const set = 'UPDATE sessions SET rotated_at = $1::bigint, revoked_at = $2::bigint WHERE id = $3::uuid RETURNING *';
    for (const [rotatedAt, revokedAt] of [
      [Number.MAX_SAFE_INTEGER, null],
      [0, 1_800_000_000_000],
    ] as const) {
      const [row] = await one.database.write<SessionRow>(set, [rotatedAt, revokedAt, id!]);
      expect(row).toMatchObject({ rotated_at: rotatedAt, revoked_at: revokedAt, generation: 1000 });
      const entity = await one.dataSource.getRepository(Session).findOneByOrFail({ id: id! });
      expect(entity).toMatchObject({ rotatedAt, revokedAt, generation: 1000, acknowledgedAt: null });
    }
  });

  it.each([
    ['acknowledged without a time', 'generation = 5, acknowledged_generation = 5'],
    ['acknowledged beyond its generation', 'generation = 5, acknowledged_generation = 6, acknowledged_at = 1'],
    ['with a time but without an acknowledged generation', 'acknowledged_generation = 0, acknowledged_at = 1'],
  ])('refuses an unreachable session row: %s', async (_, set) => {
    const [id] = await manySessions(one, 1);
    await expect(one.database.write(`UPDATE sessions SET ${set} WHERE id = $1::uuid`, [id!])).rejects.toThrow(
      'sessions_acknowledged',
    );
  });

  it('divides integers to integers, and stores them as integers', async () => {
    const now = 1_796_000_000_123;
    const [row] = await one.database.write('SELECT $1::bigint / 86400000 + 1 AS day, $2::integer / 2 AS half', [
      now,
      7,
    ]);
    expect(row).toEqual({ day: 20_788, half: 3 });
    await one.database.write('INSERT INTO counters VALUES (1, $1::bigint / 86400000)', [now]);
    expect(await value()).toBe(20_787);
  });

  it.each([0, 1, 2000])('passes a table of %i rows with any values as a parameter', async (count) => {
    const rows = Array.from({ length: count }, (_, n) => ({
      n: n + 2 ** 40,
      name: n % 10 === 9 ? null : HOSTILE[n % 10]!,
      id: crypto.randomUUID(),
      ...(n % 3 > 0 && { small: n }),
    }));
    const table = one.database.table('$1', { n: 'bigint', name: 'text', id: 'uuid', small: 'integer' });
    expect(await one.database.write(`SELECT * FROM ${table} AS r ORDER BY n`, [JSON.stringify(rows)])).toEqual(
      rows.map((row) => ({ small: null, ...row })),
    );
  });

  it('stores and finds any text as a parameter', async () => {
    await plain.query('CREATE TABLE texts (id integer PRIMARY KEY, text text)');
    for (const [id, text] of HOSTILE.entries()) {
      const sql = 'INSERT INTO texts (text, id) VALUES ($2::text, $1::integer) RETURNING text';
      expect(await one.database.write(sql, [id, text])).toEqual([{ text }]);
      expect(await one.database.write('SELECT id FROM texts WHERE text = $1', [text])).toEqual([{ id }]);
    }
  });

  if (isPostgres) {
    it('sets all time-outs on every connection of its pool', async () => {
      const settings = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
      const show = `SELECT name, setting::int FROM pg_settings WHERE name = ANY($1) ORDER BY name`;
      const seen = await Promise.all(Array.from({ length: 10 }, () => one.dataSource.query(show, [settings])));
      for (const settings of seen) {
        expect(settings).toEqual([
          { name: 'idle_in_transaction_session_timeout', setting: 10_000 },
          { name: 'lock_timeout', setting: 2000 },
          { name: 'statement_timeout', setting: 5000 },
        ]);
      }
      expect(one.dataSource.options).toMatchObject({ connectTimeoutMS: 3000, extra: { query_timeout: 6000 } });
    });
  } else {
    it('opens both connections in WAL mode, with foreign keys and a busy time-out', async () => {
      const pragmas = `SELECT (SELECT * FROM pragma_journal_mode) AS mode, (SELECT * FROM pragma_foreign_keys) AS keys,
        (SELECT * FROM pragma_busy_timeout) AS wait`;
      const expected = [{ mode: 'wal', keys: 1, wait: 5000 }];
      expect(await one.database.read(pragmas)).toEqual(expected);
      expect(await one.database.transaction((transaction) => transaction.read(pragmas))).toEqual(expected);
    });
  }
});
