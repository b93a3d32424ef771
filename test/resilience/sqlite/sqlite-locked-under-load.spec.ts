import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApp, type TestApp } from '../../support/app/app.js';
import { expectFaultTolerance, STORMY, untilRefused } from '../../support/storm/outage-storm.js';

describe('a storm of requests on SQLite', () => {
  let test: TestApp;
  let other: sqlite3.Database;
  beforeAll(async () => {
    test = await createTestApp({ env: STORMY });
    other = new sqlite3.Database(test.databaseUrl.replace('sqlite:', ''));
    other.configure('busyTimeout', 20_000);
  });
  afterAll(async () => {
    await new Promise((closed) => other.close(closed));
    await test.close();
  });

  it('loses nothing and recovers while another program holds the write lock', { timeout: 90_000 }, async () => {
    const meanwhile = await expectFaultTolerance(test.http, test.databaseUrl, {
      begin: () => run(other, 'BEGIN EXCLUSIVE'),
      last: untilRefused,
      end: () => run(other, 'ROLLBACK'),
    });
    const reads = meanwhile.filter(({ route }) => route === 'GET /users/me');
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
  });
});

function run(database: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
}
