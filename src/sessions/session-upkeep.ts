import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../common/clock.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { dayAfter, type LiveSession } from './session-row.js';

const FLUSH_INTERVAL_MS = 1000;
const MAX_REMEMBERED = 100_000;

/**
 * What requests leave to be written soon, never on their own path: that a client proved to hold a generation, and that
 * a lost answer was asked for again. Written at most once a second, and at shutdown. A crash loses a second of it: a
 * theft is then noticed later, and nobody is signed out.
 */
@Injectable()
export class SessionUpkeep implements OnApplicationShutdown {
  private readonly logger = new Logger(SessionUpkeep.name);
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
    if ((this.seen.get(sessionId) ?? 0) >= generation) return;
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
    try {
      if (acknowledged.size > 0) await this.writeAcknowledged(acknowledged);
      if (extended.size > 0) await this.writeExtended(extended);
    } catch (error) {
      this.logger.warn(`Could not note what sessions were used; trying again: ${(error as Error).message}`);
      for (const [id, generation] of acknowledged) {
        this.acknowledged.set(id, Math.max(generation, this.acknowledged.get(id) ?? 0));
      }
      for (const [id, until] of extended) this.extended.set(id, Math.max(until, this.extended.get(id) ?? 0));
      this.schedule();
    }
  }

  private async writeAcknowledged(entries: Map<string, number>): Promise<void> {
    await this.database.rows(
      this.update(
        'acknowledged_generation = n.value, acknowledged_at = $2::bigint',
        's.acknowledged_generation < n.value AND n.value <= s.generation',
      ),
      [toJson(entries), this.clock.now()],
    );
  }

  private async writeExtended(entries: Map<string, number>): Promise<void> {
    const end = 'LEAST(n.value, s.expires_at)';
    const changes = `idle_expires_at = ${end}, purge_on = ${dayAfter(end)}`;
    await this.database.rows(this.update(changes, 's.idle_expires_at < n.value AND s.revoked_at IS NULL'), [
      toJson(entries),
    ]);
  }

  /** Locks in the order of ids, as every batch does: unordered ones deadlock. */
  private update(changes: string, conditions: string): string {
    return `WITH noted AS ${this.database.table('$1', { session_id: 'uuid', value: 'bigint' })},
      locked AS (
        SELECT s.id AS locked_id FROM sessions s JOIN noted n ON n.session_id = s.id
        WHERE ${conditions} ORDER BY s.id FOR NO KEY UPDATE OF s
      )
      UPDATE sessions AS s SET ${changes}
      FROM noted n JOIN locked l ON l.locked_id = n.session_id
      WHERE s.id = n.session_id AND ${conditions}`;
  }
}

function toJson(entries: Map<string, number>): string {
  return JSON.stringify([...entries].map(([session_id, value]) => ({ session_id, value })));
}
