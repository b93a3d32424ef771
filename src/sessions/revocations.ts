import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, MoreThan, Repository } from 'typeorm';
import type { Identity } from '../common/auth/identity.js';
import { Clock } from '../common/clock.js';
import type { ProblemCode } from '../common/problem/catalogue.js';
import { Problem } from '../common/problem/problem.js';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { Revocation } from './revocation.entity.js';

/** How far clocks may be apart, and how long a token may outlive its `exp` anywhere. */
export const CLOCK_TOLERANCE_MS = 60_000;
const SWEEP_INTERVAL_MS = 60_000;
const RETRY_MS = 1000;

/**
 * Which access tokens have ended before their time. Written in the transaction that ends them, kept in memory for every
 * request to ask: no guarded request reads the database.
 */
@Injectable()
export class Revocations implements OnModuleInit, OnApplicationShutdown {
  private readonly bySubject = new Map<string, Revocation>();
  private sweptAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @InjectRepository(Revocation) private readonly stored: Repository<Revocation>,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.reread();
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  /**
   * Whether an authentic access token may be used now; if not, why. Asked on every request.
   *
   * Tokens older than the configured lifetime are refused whatever they say, so that shortening it works at once.
   */
  refusal(token: Identity): ProblemCode | null {
    const now = this.clock.now();
    const age = now - token.issuedAt;
    if (age < -CLOCK_TOLERANCE_MS) return 'access_token_invalid';
    if (now >= token.expiresAt || age > this.config.accessTokenTtlMs + CLOCK_TOLERANCE_MS)
      return 'access_token_expired';
    if (this.bySubject.has(ofSession(token.sessionId))) return 'session_revoked';
    const { ver } = this.bySubject.get(ofUser(token.userId)) ?? { ver: 0 };
    return token.ver < ver ? 'access_token_outdated' : null;
  }

  /** Writes, in the caller's transaction, that these sessions' tokens end. For `rememberAfter`. */
  endSessions(sessionIds: string[], manager: EntityManager): Promise<Revocation[]> {
    return this.write(
      sessionIds.map((id) => ({ subject: ofSession(id), ver: 0 })),
      manager,
    );
  }

  /** Writes, in the caller's transaction, that the user's tokens older than `ver` end. For `rememberAfter`. */
  outdateUser(userId: string, ver: number, manager: EntityManager): Promise<Revocation[]> {
    return this.write([{ subject: ofUser(userId), ver }], manager);
  }

  /**
   * Runs a transaction that ends something, and makes what it answers as `ended` count in this process before anybody is answered. A
   * transaction that failed may have been committed all the same, when only the database's word of it was lost: then what
   * is written down is read again, until that succeeds.
   */
  async rememberAfter<T extends { ended: Revocation[] }>(transaction: () => Promise<T>): Promise<T> {
    try {
      const result = await transaction();
      this.remember(result.ended);
      return result;
    } catch (error) {
      if (!(error instanceof Problem)) void this.rereadUntilDone();
      throw error;
    }
  }

  private async reread(): Promise<void> {
    this.remember(await this.stored.findBy({ until: MoreThan(this.clock.now()) }));
  }

  private async rereadUntilDone(): Promise<void> {
    clearTimeout(this.timer);
    try {
      await this.reread();
    } catch {
      this.timer = setTimeout(() => void this.rereadUntilDone(), RETRY_MS).unref();
    }
  }

  /** Makes them count in this process: after the commit, and before anybody is answered. */
  remember(revocations: Revocation[]): void {
    for (const revocation of revocations) {
      const known = this.bySubject.get(revocation.subject);
      if (!known || known.ver <= revocation.ver) this.bySubject.set(revocation.subject, revocation);
    }
    this.sweep();
  }

  private async write(entries: { subject: string; ver: number }[], manager: EntityManager): Promise<Revocation[]> {
    if (entries.length === 0) return [];
    const until = this.clock.now() + this.config.accessTokenTtlMs + CLOCK_TOLERANCE_MS;
    const rows = entries.map((entry) => ({ ...entry, until }));
    await this.database.rows(
      `INSERT INTO revocations (subject, ver, until)
       SELECT r.subject, r.ver, r.until
       FROM ${this.database.table('$1', { subject: 'text', ver: 'integer', until: 'bigint' })} AS r WHERE true
       ON CONFLICT (subject) DO UPDATE
       SET ver = GREATEST(revocations.ver, excluded.ver), until = GREATEST(revocations.until, excluded.until)`,
      [JSON.stringify(rows)],
      manager,
    );
    return rows;
  }

  private sweep(): void {
    const now = this.clock.now();
    if (now - this.sweptAt < SWEEP_INTERVAL_MS) return;
    this.sweptAt = now;
    for (const [subject, { until }] of this.bySubject) if (until <= now) this.bySubject.delete(subject);
  }
}

const ofSession = (id: string) => `session:${id}`;
const ofUser = (id: string) => `user:${id}`;
