import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotificationListener } from '../../../src/database/notification-listener.js';
import { throwawayDatabase, type ThrowawayDatabase } from '../../support/database/database.js';
import { signal } from '../../support/app/barrier.js';
import { pause } from '../../support/storm/storm.js';

const CUT = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'latchkey listener'`;

describe('a notification listener', () => {
  let database: ThrowawayDatabase;
  let other: pg.Client;
  beforeAll(async () => {
    database = await throwawayDatabase();
    other = new pg.Client({ connectionString: database.url });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await database.drop();
  });

  const send = (channel: string, payload: string) => other.query('SELECT pg_notify($1, $2)', [channel, payload]);
  const PATIENCE = { timeout: 10_000, interval: 10 };

  it('is in sync only after a complete read since its last connection', async () => {
    const events: string[] = [];
    const reads = [signal(), signal()] as const;
    const begun = reads.values();
    const listener = new NotificationListener(database.url, 'somewhere', {
      send,
      onMessage: () => {},
      onListening: async () => {
        events.push('reads');
        await begun.next().value!.given;
      },
      onSynced: () => events.push('knows'),
      onLost: () => events.push('lost'),
    });
    void listener.start();
    await expect.poll(() => events, PATIENCE).toEqual(['reads']);
    await other.query(CUT);
    await expect.poll(() => events, PATIENCE).toEqual(['reads', 'lost', 'reads']);
    reads[0].give();
    await pause(100);
    expect(events).toEqual(['reads', 'lost', 'reads']);
    reads[1].give();
    await expect.poll(() => events.slice(0, 4), PATIENCE).toEqual(['reads', 'lost', 'reads', 'knows']);
    listener.stop();
  });

  it('retries when it cannot connect, as during a certificate replacement', async () => {
    const lost: string[] = [];
    const listener = new NotificationListener(
      `${database.url}?sslrootcert=/no/such/file&sslmode=verify-full`,
      'somewhere',
      {
        send,
        onMessage: () => {},
        onListening: async () => {},
        onSynced: () => {},
        onLost: (why) => void lost.push(why.message),
      },
    );
    await listener.start();
    await expect.poll(() => lost.length, PATIENCE).toBeGreaterThan(2);
    expect(lost[0]).toMatch(/no such file/);
    listener.stop();
  });
});
