import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { dayAfter, type LiveSession } from './session-row.js';

const FLUSH_INTERVAL_MS = 1000;
const MAX_SEEN_SESSIONS = 100_000;
const CHUNK = 1000;

/**
 * Writes that requests leave for later, so that they are on no request's path: that a client proved to hold a generation,
 * and that a refresh extended the idle limit. Flushed at most once a second, and at shutdown. A crash loses the last
 * second: reuse is then detected later, and a session keeps at least half of its idle limit.
 */
@Injectable()
export class SessionWriteBuffer implements OnApplicationShutdown {
  private readonly logger = new Logger(SessionWriteBuffer.name);
  /** The newest generation of each session that this process has buffered already. */
  private readonly seen = new LRUCache<string, number>({ max: MAX_SEEN_SESSIONS });
  private acknowledged = new Map<string, number>();
  private extended = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** The client holds this generation: it presented its refresh token, or an access token that came with it. */
  acknowledge(sessionId: string, generation: number): void {
    if ((this.seen.get(sessionId) ?? 0) < generation) this.acknowledgeAgain(sessionId, generation);
  }

  /** The same where the row shows that the acknowledgement is missing: it was lost, for example by a failover. */
  acknowledgeAgain(sessionId: string, generation: number): void {
    this.seen.set(sessionId, generation);
    this.acknowledged.set(sessionId, generation);
    this.scheduleFlush();
  }

  /**
   * Extends the idle limit from `now`. Resolves to the new limit, in milliseconds since the epoch. If less than half of it
   * was left, it is written first, with everything buffered: a crash after the response must not sign out a client that
   * returns before the limit.
   */
  async extendIdle(session: LiveSession, now: number): Promise<number> {
    const idleExpiresAt = Math.min(now + this.config.refreshIdleTtlMs, session.expiresAt);
    this.extended.set(session.id, idleExpiresAt);
    const isUrgent = session.idleExpiresAt - now < this.config.refreshIdleTtlMs / 2;
    if (isUrgent && idleExpiresAt > session.idleExpiresAt) await this.flush();
    else this.scheduleFlush();
    return idleExpiresAt;
  }

  /** Writes everything buffered so far. What fails is buffered again. Never rejects. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.flush();
  }

  private scheduleFlush(): void {
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
    if (this.acknowledged.size + this.extended.size > 0) this.scheduleFlush();
  }

  /** Writes in chunks, so that no statement takes long. What could not be written goes into `remaining`. */
  private async writeAll(entries: Map<string, number>, remaining: Map<string, number>, write: Write): Promise<void> {
    const list = [...entries];
    const keep = (id: string, value: number) => remaining.set(id, Math.max(value, remaining.get(id) ?? 0));
    for (let from = 0; from < list.length; from += CHUNK) {
      const chunk = list.slice(from, from + CHUNK);
      try {
        const locked = await this.writeChunk(chunk, write);
        for (const [id, value] of chunk) if (locked.has(id)) keep(id, value);
      } catch (error) {
        this.logger.warn(`Could not write which sessions were used; trying again: ${(error as Error).message}`);
        for (const [id, value] of chunk) keep(id, value);
      }
    }
  }

  /** Resolves to the sessions whose rows another transaction had locked. */
  private async writeChunk(chunk: [string, number][], { set, where }: Write): Promise<Set<string>> {
    const values = this.database.table('$1', { session_id: 'uuid', value: 'bigint', noted_at: 'bigint' });
    const noted_at = this.clock.now();
    const json = JSON.stringify(chunk.map(([session_id, value]) => ({ session_id, value, noted_at })));
    const update = { table: 'sessions', values, key: 'session_id', set, where, returning: 'id', skipLocked: true };
    const done = await this.database.write(this.database.updateMany(update), [json]);
    if (this.database.kind === 'sqlite' || done.length === chunk.length) return new Set();
    const locked = await this.database.read<{ id: string }>(
      `SELECT t.id FROM sessions t JOIN ${values} AS v ON v.session_id = t.id WHERE ${where}`,
      [json],
    );
    return new Set(locked.map(({ id }) => id));
  }
}

interface Write {
  set: string;
  where: string;
}

const ACKNOWLEDGE: Write = {
  set: 'acknowledged_generation = v.value, acknowledged_at = v.noted_at',
  where: 't.acknowledged_generation < v.value AND v.value <= t.generation',
};

const IDLE_LIMIT = 'LEAST(v.value, t.expires_at)';
const EXTEND: Write = {
  set: `idle_expires_at = ${IDLE_LIMIT}, purge_on = ${dayAfter(IDLE_LIMIT)}`,
  where: `t.idle_expires_at < v.value AND t.idle_expires_at < t.expires_at AND t.revoked_at IS NULL`,
};
