import pg from 'pg';
import sqlite3 from 'sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TIMEOUTS } from '../../src/database/connection-options.js';
import { Database } from '../../src/database/database.js';
import { createTestApp, type TestApp } from '../support/app.js';
import { isPostgres } from '../support/database.js';
import {
  expectAsBefore,
  expectGuardedRoutesServe,
  expectUnavailable,
  READS,
  ready,
  somebody,
  WRITES,
} from '../support/outage.js';
import { ownPostgres, type OwnPostgres } from '../support/own-postgres.js';
import { login, PASSWORD, refresh, register, someEmail } from '../support/people.js';

// As long as a test may wait for them.
Object.assign(TIMEOUTS, { connect: 500, lock: 500, statement: 1000, query: 1200 });
const ALL = { ...READS, ...WRITES };
const POOL = 4;
const MAX_CONNECTIONS = 20;

let test: TestApp;
afterEach(() => vi.restoreAllMocks());

if (isPostgres) {
  describe('while PostgreSQL is away', () => {
    let server: OwnPostgres;
    let database: Database;
    beforeAll(async () => {
      server = await ownPostgres(['-c', `max_connections=${MAX_CONNECTIONS}`]);
      test = await createTestApp({ databaseUrl: server.url, env: { DATABASE_POOL_SIZE: String(POOL) } });
      database = test.app.get(Database);
    });
    afterEach(() => server.resume());
    afterAll(async () => {
      await test.close();
      await server.destroy();
    });
    /** As another program sees it. */
    async function seen(sql: string, parameters: unknown[] = []): Promise<unknown[]> {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      const { rows } = await client.query<Record<string, unknown>>(sql, parameters);
      await client.end();
      return rows;
    }

    it('because it was stopped: 503 for what needs it, everything else goes on, and all is well when it is back', async () => {
      const person = await somebody(test);
      await server.stop();
      await expectUnavailable(test, ALL, person);
      await expectGuardedRoutesServe(test, person);
      expect(await ready(test)).toBe(503);
      await server.start();
      await expectAsBefore(test, person);
    });

    it('requests under way when it stops are answered with success or 503', async () => {
      const person = await somebody(test);
      const routes = Array.from({ length: 10 }, () => [READS['sessions']!, READS['profile']!, WRITES['refresh']!]);
      const answers = routes.flat().map((call) => call(test, person));
      await server.stop();
      for (const { status, body } of await Promise.all(answers)) {
        expect([status, body.code]).toEqual(status === 200 ? [200, undefined] : [503, 'database_unavailable']);
      }
      await server.start();
      await expectAsBefore(test, person);
    });

    it('what was to be noted meanwhile is noted when it is back', async () => {
      const { tokens } = await somebody(test);
      await server.stop();
      expect((await test.http.get('/auth/whoami', { token: tokens.access_token })).status).toBe(200);
      await test.flush();
      await server.start();
      await expect.poll(() => ready(test)).toBe(200);
      await test.flush();
      const sql = 'SELECT acknowledged_generation AS noted FROM sessions WHERE id = $1';
      expect(await seen(sql, [tokens.session_id])).toEqual([{ noted: 1 }]);
    });

    it('because it is paused: 503 within the time-outs, not an endless wait, and all is well when it goes on', async () => {
      const person = await somebody(test);
      server.pause();
      const unavailable = expectUnavailable(test, ALL, person);
      await expectGuardedRoutesServe(test, person);
      await unavailable;
      expect(await ready(test)).toBe(503);
      server.resume();
      await expectAsBefore(test, person);
    });

    it('a pause leaves no transaction open: what is answered after it is written, and stays', async () => {
      const people = await Promise.all(Array.from({ length: 3 * POOL }, () => somebody(test)));
      await Promise.all(Array.from({ length: POOL }, () => database.rows('SELECT pg_sleep(0.1)')));
      server.pause();
      const begun = Array.from({ length: POOL }, () => database.transaction(async () => {}));
      const ended = await Promise.allSettled(begun);
      expect(ended.map(({ status }) => status)).toEqual(begun.map(() => 'rejected'));
      server.resume();
      await expect.poll(() => ready(test)).toBe(200);

      const answers = await Promise.all(people.map((person) => WRITES['rename']!(test, person)));
      expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200));
      expect(
        await seen(`SELECT id FROM users WHERE name = 'Nobody' AND email = ANY($1)`, [
          people.map(({ email }) => email),
        ]),
      ).toHaveLength(people.length);
      expect(await seen(`SELECT state FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`)).toEqual([]);
    });

    it('a logout that was done, but whose commit nobody confirmed, ends the access token when it is tried again', async () => {
      const { tokens } = await somebody(test);
      const query = pg.Client.prototype.query as (...args: unknown[]) => Promise<unknown>;
      vi.spyOn(pg.Client.prototype as { query: typeof query }, 'query').mockImplementation(async function (
        this: unknown,
        ...args: unknown[]
      ) {
        const answer = await query.apply(this, args);
        if (args[0] === 'COMMIT') throw new Error('Connection terminated unexpectedly');
        return answer;
      });
      const logout = () => test.http.post('/auth/logout', { json: { refresh_token: tokens.refresh_token } });
      expect((await logout()).status).toBe(503);
      vi.restoreAllMocks();
      expect((await logout()).status).toBe(204);
      const { status, body } = await test.http.get('/auth/whoami', { token: tokens.access_token });
      expect([status, body.code]).toEqual([401, 'session_revoked']);
    });

    it('because all connections of the pool are taken: 503, and all is well when they are given back', async () => {
      const person = await somebody(test);
      let giveBack = () => {};
      const held = new Promise<void>((resolve) => (giveBack = resolve));
      const taken = Array.from({ length: POOL }, () => database.transaction(async () => held));
      await expectUnavailable(test, ALL, person);
      await expectGuardedRoutesServe(test, person);
      expect(await ready(test)).toBe(503);
      giveBack();
      await Promise.all(taken);
      await expectAsBefore(test, person);
    });

    it('because others have taken all connections of the server: 503, and all is well when they are gone', async () => {
      const person = await somebody(test);
      const crowd: pg.Client[] = [];
      const crowdIn = async (): Promise<number> => {
        const client = new pg.Client({ connectionString: server.url }).on('error', () => {});
        await client.connect().then(
          () => crowd.push(client),
          () => {},
        );
        const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'`;
        await crowd[0]!.query(end);
        return crowd.length;
      };
      await expect.poll(crowdIn, { interval: 1, timeout: 10_000 }).toBe(MAX_CONNECTIONS);
      await expectUnavailable(test, ALL, person);
      await expectGuardedRoutesServe(test, person);
      await Promise.all(crowd.map((client) => client.end()));
      await expectAsBefore(test, person);
    });
  });
} else {
  describe('while SQLite cannot write', () => {
    beforeAll(async () => {
      test = await createTestApp();
    });
    afterAll(() => test.close());
    const onTheWriter = (sql: string): Promise<unknown> =>
      test.app.get(Database)['writer']!.inTurn((runner) => runner.query(sql));

    it('because somebody else writes for long: 503 within the time-outs, reads go on, and all is well afterwards', async () => {
      const person = await somebody(test);
      const other = new sqlite3.Database(test.databaseUrl.replace('sqlite:', ''));
      await run(other, 'BEGIN EXCLUSIVE');
      const crowd = Array.from({ length: 10 }, () => expectUnavailable(test, WRITES, person));
      const reads = await Promise.all([READS['sessions']!(test, person), READS['profile']!(test, person)]);
      expect(reads.map(({ status }) => status)).toEqual([200, 200]);
      await expectGuardedRoutesServe(test, person);
      await Promise.all(crowd);
      await run(other, 'ROLLBACK');
      await new Promise((closed) => other.close(closed));
      await expectAsBefore(test, person);
    });

    it('because the file can only be read: 503, nobody is signed out, and all is well afterwards', async () => {
      const person = await somebody(test);
      await onTheWriter('PRAGMA query_only = ON');
      await expectUnavailable(test, WRITES, person);
      await expectGuardedRoutesServe(test, person);
      await onTheWriter('PRAGMA query_only = OFF');
      await expectAsBefore(test, person);
    });

    it('because the disk is full: 503 before anything is half done, and all is well when there is room', async () => {
      const person = await somebody(test);
      const [{ page_count }] = (await onTheWriter('PRAGMA page_count')) as [{ page_count: number }];
      await onTheWriter(`PRAGMA max_page_count = ${page_count}`);
      const answers = [await WRITES['register']!(test, person)];
      while (answers.at(-1)!.status === 201) answers.push(await WRITES['register']!(test, person));
      expect(answers.at(-1)!.body).toMatchObject({ status: 503, code: 'database_unavailable', terminal: false });
      await expectGuardedRoutesServe(test, person);
      await onTheWriter('PRAGMA max_page_count = 1000000');
      await expectAsBefore(test, person);
    });

    it('because a transaction of our own does not end: 503, not an endless wait', async () => {
      const person = await somebody(test);
      let end = () => {};
      const held = new Promise<void>((resolve) => (end = resolve));
      const stuck = test.app.get(Database).transaction(async () => held);
      const unavailable = expectUnavailable(test, WRITES, person);
      const outcome = await Promise.race([
        unavailable.then(() => 'answered'),
        new Promise((late) => setTimeout(late, 5 * TIMEOUTS.statement, 'still waiting')),
      ]);
      end();
      await stuck;
      expect(outcome).toBe('answered');
      await expectAsBefore(test, person);
    });
  });
}

describe('a registration that is rolled back', () => {
  beforeAll(async () => {
    test = await createTestApp();
  });
  afterAll(() => test.close());

  it('takes nothing of what others were answered at the same time with it', async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => somebody(test)));
    const answers = await Promise.all(
      people.map(async (person, i) => {
        const email = someEmail();
        const [taken, registered, signedIn, renamed, refreshed, ended] = await Promise.all([
          test.http.post('/auth/register', { json: { email: person.email, password: PASSWORD } }),
          register(test.http, email),
          login(test.http, person.email),
          test.http.patch('/users/me', { token: person.tokens.access_token, json: { name: `Person ${i}` } }),
          refresh(test.http, person.tokens.refresh_token),
          test.http.delete(`/sessions/${person.other.session_id}`, { token: person.tokens.access_token }),
        ]);
        expect([taken.status, taken.body.code]).toEqual([409, 'email_taken']);
        expect([renamed.status, refreshed.status, ended.status]).toEqual([200, 200, 204]);
        return { person, i, sessions: [registered.tokens, signedIn, refreshed.body] };
      }),
    );
    for (const { person, i, sessions } of answers) {
      for (const { refresh_token } of sessions) expect((await refresh(test.http, refresh_token)).status).toBe(200);
      expect((await refresh(test.http, person.other.refresh_token)).body.code).toBe('session_revoked');
      const profile = await test.http.get('/users/me', { token: person.tokens.access_token });
      expect(profile.body.name).toBe(`Person ${i}`);
    }
  });
});

function run(database: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => database.exec(sql, (error) => (error ? reject(error) : resolve())));
}
