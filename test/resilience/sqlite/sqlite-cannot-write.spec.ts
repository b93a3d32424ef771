import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TIMEOUTS } from '../../../src/database/connection-options.js';
import { Database } from '../../../src/database/database.js';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import {
  expectRecovered,
  expectGuardedRoutesServe,
  expectUnavailable,
  READS,
  newUser,
  WRITES,
} from '../../support/app/outage.js';

// Short, so that the tests do not wait long.
Object.assign(TIMEOUTS, { connect: 500, lock: 500, statement: 1000, query: 1200 });

describe('a server whose SQLite database cannot be written', () => {
  let test: TestApp;
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());
  const onTheWriter = (sql: string): Promise<unknown> => test.app.get(Database).write(sql);

  it('responds with 503, serves reads and recovers during a long write lock', async () => {
    const user = await newUser(test);
    const other = new sqlite3.Database(test.databaseUrl.replace('sqlite:', ''));
    await run(other, 'BEGIN EXCLUSIVE');
    const refused = Array.from({ length: 10 }, () => expectUnavailable(test, WRITES, user));
    const reads = await Promise.all([READS['sessions']!(test, user), READS['profile']!(test, user)]);
    expect(reads.map(({ status }) => status)).toEqual([200, 200]);
    await expectGuardedRoutesServe(test, user);
    await Promise.all(refused);
    await run(other, 'ROLLBACK');
    await new Promise((closed) => other.close(closed));
    await expectRecovered(test, user);
  });

  it('responds with 503, signs nobody out and recovers with a read-only file', async () => {
    const user = await newUser(test);
    await onTheWriter('PRAGMA query_only = ON');
    await expectUnavailable(test, WRITES, user);
    await expectGuardedRoutesServe(test, user);
    await onTheWriter('PRAGMA query_only = OFF');
    await expectRecovered(test, user);
  });

  it('responds with 503, writes nothing in part and recovers with a full disk', async () => {
    const user = await newUser(test);
    const [{ page_count }] = (await onTheWriter('PRAGMA page_count')) as [{ page_count: number }];
    await onTheWriter(`PRAGMA max_page_count = ${page_count}`);
    const responses = [await WRITES['register']!(test, user)];
    while (responses.at(-1)!.status === 201) responses.push(await WRITES['register']!(test, user));
    expect(responses.at(-1)!.body).toMatchObject({ status: 503, code: 'database_unavailable', terminal: false });
    await expectGuardedRoutesServe(test, user);
    await onTheWriter('PRAGMA max_page_count = 1000000');
    await expectRecovered(test, user);
  });

  it('responds with 503 within the time-outs during a transaction that hangs', async () => {
    const user = await newUser(test);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const stuck = test.app.get(Database).transaction(async () => held);
    const unavailable = expectUnavailable(test, WRITES, user);
    const outcome = await Promise.race([
      unavailable.then(() => 'refused'),
      new Promise((late) => setTimeout(late, 5 * TIMEOUTS.statement, 'still waiting')),
    ]);
    release();
    await stuck;
    expect(outcome).toBe('refused');
    await expectRecovered(test, user);
  });
});

function run(database: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
}
