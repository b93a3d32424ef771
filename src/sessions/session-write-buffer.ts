import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { dayAfter, type LiveSession } from './session-row.js';

const FLUSH_INTERVAL_MS = 1000;
const MAX_REMEMBERED = 100_000;
const CHUNK = 1000;

/**
 * What requests leave to be written soon, never on their own path: that a client proved to hold a generation, and that
 * a lost answer was asked for again. Written at most once a second, and at shutdown. A crash loses a second of it: a
 * theft is then noticed later, and nobody is signed out.
 */
@Injectable()
export class SessionWriteBuffer implements OnApplicationShutdown {
  private readonly logger = new Logger(SessionWriteBuffer.name);
  /** The newest generation of each session that this process has already noted. */
  private readonly seen = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  private acknowledged = new Map<string, number>();
  private extended = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Notes that the client holds this generation: it presented its refresh token, or an access token that came with it. */
  acknowledge(sessionId: string, generation: number): void {
    if ((this.seen.get(sessionId) ?? 0) < generation) this.acknowledgeAgain(sessionId, generation);
  }

  /** The same where the row itself says that it is missing: what was written before was lost, as after a failover. */
  acknowledgeAgain(sessionId: string, generation: number): void {
    this.seen.set(sessionId, generation);
    this.acknowledged.set(sessionId, generation);
    this.schedule();
  }

  /** Rule 4 extends the idle limit. Answers the new limit, in milliseconds since the epoch. */
  extendIdle(session: LiveSession, now: number): number {
    const idleExpiresAt = Math.min(now + this.config.refreshIdleTtlMs, session.expiresAt);
    this.extended.set(session.id, idleExpiresAt);
    this.schedule();
    return idleExpiresAt;
  }

  /** Writes everything noted so far. What fails is noted again. Never throws. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush();
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush();
    }, FLUSH_INTERVAL_MS).unref();
  }

  private async write(): Promise<void> {
    const { acknowledged, extended } = this;
    this.acknowledged = new Map();
    this.extended = new Map();
    await this.writeAll(acknowledged, this.acknowledged, ACKNOWLEDGE);
    await this.writeAll(extended, this.extended, EXTEND);
    if (this.acknowledged.size + this.extended.size > 0) this.schedule();
  }

  /** In chunks, so that no statement takes long. What could not be written goes `back`, to be written next time. */
  private async writeAll(entries: Map<string, number>, back: Map<string, number>, note: Note): Promise<void> {
    const list = [...entries];
    for (let from = 0; from < list.length; from += CHUNK) {
      const chunk = list.slice(from, from + CHUNK);
      try {
        const left = await this.writeChunk(chunk, note);
        for (const [id, value] of chunk) if (left.has(id)) back.set(id, Math.max(value, back.get(id) ?? 0));
      } catch (error) {
        this.logger.warn(`Could not note what sessions were used; trying again: ${(error as Error).message}`);
        for (const [id, value] of chunk) back.set(id, Math.max(value, back.get(id) ?? 0));
      }
    }
  }

  /** Answers the sessions whose rows somebody else held. */
  private async writeChunk(chunk: [string, number][], { set, where }: Note): Promise<Set<string>> {
    const values = this.database.table('$1', { session_id: 'uuid', value: 'bigint', noted_at: 'bigint' });
    const noted_at = this.clock.now();
    const json = JSON.stringify(chunk.map(([session_id, value]) => ({ session_id, value, noted_at })));
    const update = { table: 'sessions', values, key: 'session_id', set, where, returning: 'id', skipLocked: true };
    const done = await this.database.rows(this.database.updateMany(update), [json]);
    if (!this.database.isPostgres || done.length === chunk.length) return new Set();
    const left = await this.database.rows<{ id: string }>(
      `SELECT t.id FROM sessions t JOIN ${values} AS v ON v.session_id = t.id WHERE ${where}`,
      [json],
    );
    return new Set(left.map(({ id }) => id));
  }
}

interface Note {
  set: string;
  where: string;
}

const ACKNOWLEDGE: Note = {
  set: 'acknowledged_generation = v.value, acknowledged_at = v.noted_at',
  where: 't.acknowledged_generation < v.value AND v.value <= t.generation',
};

const IDLE_END = 'LEAST(v.value, t.expires_at)';
const EXTEND: Note = {
  set: `idle_expires_at = ${IDLE_END}, purge_on = ${dayAfter(IDLE_END)}`,
  where: `t.idle_expires_at < v.value AND t.idle_expires_at < t.expires_at AND t.revoked_at IS NULL`,
};
