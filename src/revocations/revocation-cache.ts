import { Injectable } from '@nestjs/common';
import type { Revocation } from './revocation.entity.js';

const SWEEP_INTERVAL_MS = 60_000;
const SWEPT_AT_ONCE = 10_000;
/** Until when a process may go by its memory, once nobody tells it anything any more. */
export const TRUST_MS = 5000;

/**
 * What a process knows of access tokens that ended before their time, and for how long it may go by that: whoever feeds
 * it says so, again and again. Small, as there may be a million entries: a number for a session, which is the second
 * until which it matters.
 */
@Injectable()
export class RevocationCache {
  private readonly sessions = new Map<string, number>();
  private readonly users = new Map<string, { ver: number; untilSecond: number; reread: number }>();
  private rereads = 0;
  private trustedUntil = 0;
  private completeTo = 0;
  private sweptAt = 0;

  /** Whether it knows of everything that was committed up to a moment ago. */
  get isTrusted(): boolean {
    return performance.now() < this.trustedUntil;
  }

  /** How long ago the last moment was up to which it knew of everything; since the process started, if there was none. */
  get lagMs(): number {
    return performance.now() - this.completeTo;
  }

  get size(): number {
    return this.sessions.size + this.users.size;
  }

  /** Whatever was committed before this moment (of `performance.now()`) is in here. */
  markSyncedUntil(moment: number): void {
    this.completeTo = moment;
    this.trustedUntil = moment + TRUST_MS;
  }

  /** Something may have been missed. */
  markStale(): void {
    this.trustedUntil = 0;
  }

  /** What is known here is true, whether or not it is all. */
  find(token: { sessionId: string; userId: string; ver: number }): 'session_revoked' | 'access_token_outdated' | null {
    if (this.sessions.has(ofSession(token.sessionId))) return 'session_revoked';
    const user = this.users.get(ofUser(token.userId));
    return user && token.ver < user.ver ? 'access_token_outdated' : null;
  }

  /** @param now milliseconds since the epoch */
  add(revocations: Iterable<Revocation>, now: number): void {
    for (const { subject, ver, until } of revocations) {
      const untilSecond = Math.ceil(until / 1000);
      if (subject.startsWith('session:')) {
        this.sessions.set(subject, Math.max(untilSecond, this.sessions.get(subject) ?? 0));
      } else {
        const known = this.users.get(subject);
        const isNews = !known || known.ver <= ver || known.reread < this.rereads;
        if (isNews) this.users.set(subject, { ver, untilSecond, reread: this.rereads });
      }
    }
    if (now - this.sweptAt < SWEEP_INTERVAL_MS) return;
    this.sweptAt = now;
    void this.sweep(now / 1000);
  }

  /** Everything unexpired is about to be read and added. For `endReread`. */
  beginReread(): number {
    return ++this.rereads;
  }

  /**
   * Forgets changes of users that were known before, and that the database knows no more: a failover has lost them. Else
   * these users' tokens, which say what the database says now, would be out of date whatever they do. An ended session
   * stays ended.
   */
  endReread(begun: number): void {
    for (const [subject, { reread }] of this.users) if (reread < begun) this.users.delete(subject);
  }

  /** A slice at a time: after a mass ending there may be a million. */
  private async sweep(second: number): Promise<void> {
    let seen = 0;
    for (const [subject, untilSecond] of this.sessions) {
      if (untilSecond <= second) this.sessions.delete(subject);
      if (++seen % SWEPT_AT_ONCE === 0) await new Promise(setImmediate);
    }
    for (const [subject, { untilSecond }] of this.users) {
      if (untilSecond <= second) this.users.delete(subject);
      if (++seen % SWEPT_AT_ONCE === 0) await new Promise(setImmediate);
    }
  }
}

export const ofSession = (id: string) => `session:${id}`;
export const ofUser = (id: string) => `user:${id}`;
