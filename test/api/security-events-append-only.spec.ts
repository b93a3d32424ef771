import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventRetention } from '../../src/audit/event-retention.js';
import { SecurityEvents } from '../../src/audit/security-events.js';
import { Database } from '../../src/database/database.js';
import { PurgeService } from '../../src/sessions/purge.service.js';
import { createTestApp, type TestApp } from '../support/app/app.js';
import { countedDuring } from '../support/app/scrape-metrics.js';
import { claimsOf, register } from '../support/app/users.js';
import { isPostgres } from '../support/database/database.js';
import { eventTypes, storedEvents } from '../support/database/security-events.js';

const NOBODY = '0198c0de-0000-7000-8000-000000000000';

describe('the table of security events', () => {
  let test: TestApp;
  beforeEach(async () => {
    test = await createTestApp({ env: { AUDIT_RETENTION: '30d' } });
  });
  afterEach(() => test.close());

  const purge = () => test.app.get(PurgeService).run();
  const sql = (text: string) => test.dataSource.query(text);
  const addMany = (count: number) => {
    const events = Array.from({ length: count }, () => ({ type: 'sign_in' as const, userId: NOBODY }));
    return test.app.get(SecurityEvents).recordAll(events, test.app.get(Database));
  };

  it.each([
    `UPDATE security_events SET ip = '192.0.2.1'`,
    `UPDATE security_events SET at = 0`,
    'DELETE FROM security_events',
    `DELETE FROM security_events WHERE type = 'sign_in'`,
    ...(isPostgres
      ? [
          'TRUNCATE security_events',
          `INSERT INTO security_events SELECT * FROM security_events ON CONFLICT (id) DO UPDATE SET ip = ''`,
        ]
      : [`REPLACE INTO security_events SELECT id, user_id, type, 0, null, null, null, '{}' FROM security_events`]),
  ])('is append-only: %s is refused', async (statement) => {
    await register(test.http);
    const before = await storedEvents(test);
    await expect(sql(statement)).rejects.toThrow(/append-only/);
    expect(await storedEvents(test)).toEqual(before);
  });

  it('keeps events of a deleted user, by an opaque id', async () => {
    const { tokens } = await register(test.http);
    const userId = claimsOf(tokens.access_token)['sub'] as string;
    await sql('DELETE FROM users');
    expect(await eventTypes(test, userId)).toEqual(['registered', 'sign_in']);
  });

  it('loses events at the age of AUDIT_RETENTION, and not before', async () => {
    await register(test.http);
    test.clock.standStill((await storedEvents(test)).at(-1)!.at);
    test.clock.move('29d');
    await addMany(1);
    test.clock.move('23h');
    await purge();
    expect(await storedEvents(test)).toHaveLength(3);
    test.clock.move('1h');
    const counted = await countedDuring(test.http, purge);
    expect(counted).toMatchObject({ 'latchkey_rows_purged_total{table="security_events"}': 2 });
    expect((await storedEvents(test)).map(({ userId }) => userId)).toEqual([NOBODY]);
  });

  it('is append-only again after a purge', async () => {
    await addMany(1);
    test.clock.move('31d');
    await addMany(1);
    await purge();
    expect(await sql('SELECT * FROM security_events_purge')).toEqual([]);
    await expect(sql('DELETE FROM security_events')).rejects.toThrow(/append-only/);
    expect(await storedEvents(test)).toHaveLength(1);
  });

  it('is purged in batches, by several processes in parallel, each event once', async () => {
    await addMany(1700);
    test.clock.move('31d');
    await addMany(3);
    const [one, two] = await Promise.all([purge(), purge()]);
    expect(one + two).toBe(1700);
    expect(await storedEvents(test)).toHaveLength(3);
  });

  it('lets the purge delete nothing younger, whatever it asks for', async () => {
    await addMany(1);
    const retention = test.app.get(EventRetention);
    const until = (await storedEvents(test))[0]!.at - 1;
    const deleting = test.app.get(Database).transaction(async (transaction) => {
      await transaction.write('INSERT INTO security_events_purge (until) VALUES ($1::bigint)', [until]);
      await transaction.write('DELETE FROM security_events WHERE true');
    });
    await expect(deleting).rejects.toThrow(/append-only/);
    expect(await retention.deleteBatch(100)).toBe(0);
    expect(await storedEvents(test)).toHaveLength(1);
  });

  it('takes at most 1 kB of details, and keeps the order of one statement', async () => {
    const events = test.app.get(SecurityEvents);
    const database = test.app.get(Database);
    const text = 'é'.repeat(1000);
    await events.record({ type: 'logout', userId: NOBODY, details: { text, n: 1, yes: true } }, database);
    const [stored] = await storedEvents(test, NOBODY);
    expect(stored!.details).toEqual({ text: 'é'.repeat(256), n: 1, yes: true });
    const details = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`text${i}`, text]));
    await expect(events.record({ type: 'logout', userId: NOBODY, details }, database)).rejects.toThrow(/1 kB/);

    const many = Array.from({ length: 100 }, (_, n) => ({ type: 'logout' as const, userId: NOBODY, details: { n } }));
    await events.recordAll(many, database);
    const order = (await storedEvents(test, NOBODY)).slice(1).map((event) => event.details['n']);
    expect(order).toEqual(many.map((_, n) => n));
  });
});
