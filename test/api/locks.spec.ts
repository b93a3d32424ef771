import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/clock/clock.js';
import { databaseProblem } from '../../src/database/database-errors.js';
import type { Statements } from '../../src/database/database.js';
import { RotationStatements, type Presentation } from '../../src/sessions/rotation-statements.js';
import type { LiveSession, SessionRow } from '../../src/sessions/session-row.js';
import { SessionWriteBuffer } from '../../src/sessions/session-write-buffer.js';
import { createTestApp } from '../support/app/app.js';
import { manySessions, openTwo, shuffled, type BareDatabase } from '../support/database/bare-database.js';
import { isPostgres, throwawayDatabase, type ThrowawayDatabase } from '../support/database/database.js';
import type { TokenResponse } from '../support/http/http.js';
import { login, refresh, register } from '../support/app/users.js';

const STRICT = { REFRESH_ROTATION_INTERVAL: '0s', REFRESH_LEEWAY: '0s' };

describe('two processes on one database', () => {
  let server: ThrowawayDatabase;
  let both: Awaited<ReturnType<typeof openTwo>>;
  let one: BareDatabase;
  let two: BareDatabase;
  let plain: DataSource;
  let warned: unknown[];
  beforeAll(async () => {
    server = await throwawayDatabase();
    both = await openTwo(server.url, STRICT);
    ({ one, two, plain } = both);
  });
  beforeEach(async () => {
    await both.clear();
    warned = [];
    vi.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warned.push(message));
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(async () => {
    await both.close();
    await server.drop();
  });

  describe('with batches over the same rows', () => {
    if (isPostgres) {
      it('deadlock when rows are locked in the order of the parameters (the trap)', async () => {
        const ids = await manySessions(one, 100);
        const batch = async ({ database }: BareDatabase) => {
          const noted = database.table('$1', { session_id: 'uuid' });
          const sql = `UPDATE sessions s SET ip = 'x' FROM ${noted} AS n WHERE s.id = n.session_id`;
          await database.write(sql, [JSON.stringify(shuffled(ids).map((session_id) => ({ session_id })))]);
        };
        const codes = new Set<string>();
        for (let round = 0; round < 10 && !codes.has('40P01'); round++) {
          const batches = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => batch(i % 2 ? one : two)));
          for (const { reason } of batches as PromiseRejectedResult[]) if (reason) codes.add(String(reason.code));
        }
        expect(codes).toContain('40P01');
      });
    }

    it('never deadlock when they write acknowledgements, and lose none', async () => {
      const ids = await manySessions(one, 100);
      const writers = Array.from({ length: 10 }, (_, i) => writeBufferOf(i % 2 ? one : two));
      for (let generation = 1; generation <= 10; generation++) {
        for (const writer of writers) for (const id of shuffled(ids)) writer.acknowledge(id, generation);
        await Promise.all(writers.map((writer) => writer.flush()));
      }
      expect(warned).toEqual([]);
      const newest = await one.database.write('SELECT DISTINCT acknowledged_generation AS newest FROM sessions');
      expect(newest).toEqual([{ newest: 10 }]);
    });

    it('never deadlock when they rotate and extend, and issue each generation once', async () => {
      const ids = await manySessions(one, 100);
      const moved: SessionRow[] = [];
      const rotate = async (process: BareDatabase) => {
        const statements = new RotationStatements(process.config, process.database);
        for (let round = 0; round < 5; round++) {
          const presented = (await statements.readMany(ids)).map(toPresentation);
          moved.push(...(await statements.rotateMany(shuffled(presented), Date.now(), { skipLocked: true })));
        }
      };
      const extend = async (process: BareDatabase) => {
        const writeBuffer = writeBufferOf(process);
        for (let round = 1; round <= 5; round++) {
          const later = Date.now() + 20 * 86_400_000;
          for (const id of shuffled(ids)) writeBuffer.extendIdle({ id, expiresAt: later } as LiveSession, later);
          await writeBuffer.flush();
        }
      };
      const processes = [one, two, one, two];
      await Promise.all([...processes.map(rotate), ...processes.map(extend)]);

      expect(warned).toEqual([]);
      expect(new Set(moved.map((row) => `${row.id} ${row.generation}`)).size).toBe(moved.length);
      const [{ sum }] = await plain.query('SELECT CAST(sum(generation - 1000) AS integer) AS sum FROM sessions');
      expect(sum).toBe(moved.length);
      expect(moved.length).toBeGreaterThan(0);
    });
  });

  if (isPostgres) {
    it('skip a locked row in a batch, and time out only on that row', async () => {
      const ids = await manySessions(one, 20);
      const statements = new RotationStatements(one.config, one.database);
      const [held, ...others] = ids.map((sessionId) => ({ sessionId, generation: 1000 }));
      await two.database.transaction(async (transaction) => {
        await transaction.read('SELECT id FROM sessions WHERE id = $1 FOR UPDATE', [held!.sessionId]);
        const moved = await statements.rotateMany([held!, ...others], Date.now(), { skipLocked: true });
        expect(moved.map(({ id }) => id).sort()).toEqual(others.map(({ sessionId }) => sessionId).sort());
        const error = await statements
          .rotateMany([held!], Date.now(), { skipLocked: false })
          .catch((error: unknown) => error);
        expect(error).toMatchObject({ code: '55P03' });
        expect(databaseProblem(error)).toMatchObject({ code: 'database_unavailable', status: 503 });
      });
      expect(await statements.rotateMany([held!], Date.now(), { skipLocked: false })).toMatchObject([
        { generation: 1001 },
      ]);
    });

    it.each([
      ['between two statements', async () => {}, (on: Statements) => on.read('SELECT 1')],
      ['during a statement', (on: Statements) => on.read('SELECT pg_sleep(5)'), async () => []],
    ])('respond with 503 when the server kills a transaction %s, and recover', async (_, during, after) => {
      const killed = one.database.transaction(async (transaction) => {
        await transaction.write('INSERT INTO counters VALUES (1, 0)');
        const [backend] = await transaction.read<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        const running = during(transaction);
        running.catch(() => {});
        await plain.query('SELECT pg_terminate_backend($1)', [backend!.pid]);
        const isGone = () => plain.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [backend!.pid]);
        await expect.poll(isGone).toEqual([]);
        await running;
        await after(transaction);
      });
      const error = await killed.catch((error: unknown) => error);
      expect(databaseProblem(error), String(error)).toMatchObject({ code: 'database_unavailable', status: 503 });
      expect(await plain.query('SELECT id FROM counters')).toEqual([]);
      const insert = (id: number) => one.database.write('INSERT INTO counters VALUES ($1::integer, 0)', [id]);
      await Promise.all(Array.from({ length: 20 }, (_, id) => insert(id)));
      expect(await plain.query('SELECT id FROM counters')).toHaveLength(20);
    });

    it('fail only the refresh of a locked session, until the lock is released', async () => {
      const test = await createTestApp({ databaseUrl: server.url, env: STRICT });
      const { email, tokens: held } = await register(test.http);
      const others = await Promise.all(Array.from({ length: 5 }, () => login(test.http, email)));
      const finished: string[] = [];
      const refreshOne = async ({ refresh_token, session_id }: TokenResponse) => {
        const response = await refresh(test.http, refresh_token);
        finished.push(session_id);
        return response;
      };
      await one.database.transaction(async (transaction) => {
        await transaction.read('SELECT id FROM sessions WHERE id = $1 FOR UPDATE', [held.session_id]);
        const [{ status, body, headers }, rest] = await Promise.all([
          refreshOne(held),
          Promise.all(others.map(refreshOne)),
        ]);
        expect(rest.map((response) => response.status)).toEqual(others.map(() => 200));
        expect([status, body.code, body.terminal]).toEqual([503, 'database_unavailable', false]);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
        expect(finished.at(-1)).toBe(held.session_id);
      });
      expect((await refresh(test.http, held.refresh_token)).status).toBe(200);
      await test.close();
    });
  }
});

function writeBufferOf({ config, database }: BareDatabase): SessionWriteBuffer {
  return new SessionWriteBuffer(config, database, new Clock());
}

function toPresentation(row: SessionRow): Presentation {
  return { sessionId: row.id, generation: row.generation };
}
