import { Injectable } from '@nestjs/common';
import type { Revocation } from './revocation.entity.js';

const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_SLICE = 10_000;
/** How long the cache counts as complete after the last moment up to which it was synchronised. */
export const STALE_AFTER_MS = 5000;

/** What a revocation has to be looked up by. */
interface TokenSubject {
  sessionId: string;
  userId: string;
  tokenVersion: number;
}

/**
 * The unexpired revocations, in the memory of this process, and whether they are complete. Entries are small, because
 * there may be a million: for a session only the second until which it matters.
 */
@Injectable()
export class RevocationCache {
  private readonly sessions = new Map<string, number>();
  private readonly users = new Map<string, { tokenVersion: number; untilSecond: number; reload: number }>();
  private reloads = 0;
  private freshUntil = 0;
  private syncedUntil = 0;
  private sweptAt = 0;

  /** Whether the cache holds everything that was committed up to a few seconds ago. */
  get isFresh(): boolean {
    return performance.now() < this.freshUntil;
  }

  /** Milliseconds since the last moment up to which the cache was complete; since the process started, if never. */
  get lagMs(): number {
    return performance.now() - this.syncedUntil;
  }

  get size(): number {
    return this.sessions.size + this.users.size;
  }

  /** @param moment of `performance.now()`: everything that was committed before it is in the cache */
  markSyncedUntil(moment: number): void {
    this.syncedUntil = moment;
    this.freshUntil = moment + STALE_AFTER_MS;
  }

  /** Notifications may have been missed. */
  markStale(): void {
    this.freshUntil = 0;
  }

  /** Why a token is refused, or null if the cache knows no reason. What it knows is true also while it is stale. */
  find({ sessionId, userId, tokenVersion }: TokenSubject): 'session_revoked' | 'access_token_outdated' | null {
    if (this.sessions.has(subjectOfSession(sessionId))) return 'session_revoked';
    const user = this.users.get(subjectOfUser(userId));
    return user && tokenVersion < user.tokenVersion ? 'access_token_outdated' : null;
  }

  /** @param now milliseconds since the epoch */
  insert(revocations: Iterable<Revocation>, now: number): void {
    for (const { subject, tokenVersion, until } of revocations) {
      const untilSecond = Math.ceil(until / 1000);
      if (subject.startsWith('session:')) {
        this.sessions.set(subject, Math.max(untilSecond, this.sessions.get(subject) ?? 0));
      } else {
        const known = this.users.get(subject);
        const isNewer = !known || known.tokenVersion <= tokenVersion || known.reload < this.reloads;
        if (isNewer) this.users.set(subject, { tokenVersion, untilSecond, reload: this.reloads });
      }
    }
    if (now - this.sweptAt < SWEEP_INTERVAL_MS) return;
    this.sweptAt = now;
    void this.sweep(now / 1000);
  }

  /** Call it before everything unexpired is read and inserted. The result is for `endReload`. */
  beginReload(): number {
    return ++this.reloads;
  }

  /**
   * Drops the users that the reload did not find: a failover has lost their change. Otherwise their tokens, which carry the
   * version of the database, would be outdated after every refresh. A revoked session stays revoked.
   */
  endReload(begun: number): void {
    for (const [subject, { reload }] of this.users) if (reload < begun) this.users.delete(subject);
  }

  /** Drops expired entries, a slice at a time: after a mass revocation there may be a million. */
  private async sweep(second: number): Promise<void> {
    let seen = 0;
    for (const [subject, untilSecond] of this.sessions) {
      if (untilSecond <= second) this.sessions.delete(subject);
      if (++seen % SWEEP_SLICE === 0) await new Promise(setImmediate);
    }
    for (const [subject, { untilSecond }] of this.users) {
      if (untilSecond <= second) this.users.delete(subject);
      if (++seen % SWEEP_SLICE === 0) await new Promise(setImmediate);
    }
  }
}

export const subjectOfSession = (id: string) => `session:${id}`;
export const subjectOfUser = (id: string) => `user:${id}`;
