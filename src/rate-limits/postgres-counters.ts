import type { Clock } from '../clock/clock.js';
import { Batcher } from '../database/batcher.js';
import { TIMEOUTS } from '../database/connection-options.js';
import type { Database } from '../database/database.js';
import { Problem } from '../problem/problem.js';
import type { Count, Counters } from './counters.js';
import type { SubjectHasher } from './subject-hasher.js';

interface Row {
  key: string;
  points: number;
  expires_at: number;
}

type Change = { id: number; key: string } & (
  { kind: 'add'; expiresAt: number } | { kind: 'give-back'; expiresAt: number }
);

/** Both sides lock rows in the order of their keys: batches of two processes cannot deadlock. */
const COLUMNS = { key: 'text', points: 'integer', expires_at: 'bigint' } as const;

/**
 * Counters of all processes, in the table `rate_limits`. All that arrives meanwhile is one statement. The keys are keyed
 * hashes: a copy of the table contains no address. `RateLimiterPostgres` of the library runs a named prepared statement for
 * each key, which a pooler in transaction mode refuses.
 */
export class PostgresCounters implements Counters {
  private changes = 0;
  private readonly batches = new Batcher({
    run: (batch: Change[]) => this.apply(batch),
    keyOf: ({ id }) => String(id),
    isRetriedOneByOne: () => false,
    maxSize: 1000,
    maxWait: { ms: TIMEOUTS.connect, error: () => new Problem('database_unavailable') },
  });

  constructor(
    private readonly database: Database,
    private readonly hasher: SubjectHasher,
    private readonly clock: Clock,
    /** Called with the number of keys that were written. */
    private readonly onWritten: (keys: number) => void,
  ) {}

  add(key: string, windowMs: number): Promise<Count> {
    return this.submit('add', key, this.clock.now() + windowMs);
  }

  giveBack(key: string, expiresAt: number): Promise<Count> {
    return this.submit('give-back', key, expiresAt);
  }

  async find(key: string): Promise<Count | null> {
    const [row] = await this.database.read<Row>(
      'SELECT key, points, expires_at FROM rate_limits WHERE key = $1 AND expires_at > $2::bigint',
      [this.hasher.hash('limit', key), this.clock.now()],
    );
    return row ? toCount(row) : null;
  }

  async delete(key: string): Promise<boolean> {
    const sql = 'DELETE FROM rate_limits WHERE key = $1 RETURNING key';
    return (await this.database.write(sql, [this.hasher.hash('limit', key)])).length > 0;
  }

  private submit(kind: Change['kind'], key: string, expiresAt: number): Promise<Count> {
    this.changes += 1;
    return this.batches.submit({ id: this.changes, kind, key: this.hasher.hash('limit', key), expiresAt });
  }

  /** Points that are given back are free for the attempts of the same batch. */
  private async apply(batch: Change[]): Promise<Count[]> {
    const givenBack = batch.filter(({ kind }) => kind === 'give-back');
    const added = batch.filter(({ kind }) => kind === 'add');
    if (givenBack.length > 0) await this.giveBackMany(givenBack);
    const totals = added.length > 0 ? await this.addMany(added) : new Map<string, Count>();
    this.onWritten(totals.size);

    // The last of several attempts with one key has the total, and those before it one less each.
    const left = new Map(tally(added).map(({ key, points }) => [key, points]));
    return batch.map(({ kind, key, expiresAt }) => {
      const total = totals.get(key);
      if (kind === 'give-back' || !total) return { points: 0, expiresAt };
      const behind = left.get(key)! - 1;
      left.set(key, behind);
      return { ...total, points: total.points - behind };
    });
  }

  private async addMany(added: Change[]): Promise<Map<string, Count>> {
    const isRunning = 'rate_limits.expires_at > $2::bigint';
    const rows = await this.database.write<Row>(
      `INSERT INTO rate_limits (key, points, expires_at)
       SELECT v.key, v.points, v.expires_at FROM ${this.database.table('$1', COLUMNS)} AS v ORDER BY v.key
       ON CONFLICT (key) DO UPDATE SET
         points = CASE WHEN ${isRunning} THEN rate_limits.points ELSE 0 END + excluded.points,
         expires_at = CASE WHEN ${isRunning} THEN rate_limits.expires_at ELSE excluded.expires_at END
       RETURNING key, points, expires_at`,
      [JSON.stringify(tally(added)), this.clock.now()],
    );
    return new Map(rows.map((row) => [row.key, toCount(row)]));
  }

  private async giveBackMany(givenBack: Change[]): Promise<void> {
    const values = this.database.table('$1', COLUMNS);
    await this.database.write(
      `WITH v AS ${values}, locked AS (
         SELECT t.key FROM rate_limits t JOIN v ON v.key = t.key AND v.expires_at = t.expires_at
         ORDER BY t.key FOR NO KEY UPDATE OF t
       )
       UPDATE rate_limits t SET points = GREATEST(t.points - v.points, 0)
       FROM v JOIN locked l ON l.key = v.key WHERE t.key = v.key AND t.expires_at = v.expires_at`,
      [JSON.stringify(tally(givenBack))],
    );
  }
}

/** One row for each key and window, with its number of points. */
function tally(changes: Change[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { kind, key, expiresAt } of changes) {
    const of = kind === 'add' ? key : `${key} ${expiresAt}`;
    const row = rows.get(of) ?? { key, points: 0, expires_at: expiresAt };
    rows.set(of, { ...row, points: row.points + 1 });
  }
  return [...rows.values()];
}

function toCount({ points, expires_at }: Row): Count {
  return { points, expiresAt: expires_at };
}
