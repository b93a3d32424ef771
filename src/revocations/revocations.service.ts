import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, MoreThan, Repository } from 'typeorm';
import type { Identity } from '../identity/identity.js';
import { Clock } from '../clock/clock.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import { Batcher } from '../database/batcher.js';
import { Config } from '../config/config.js';
import { TIMEOUTS } from '../database/connection-options.js';
import { Database } from '../database/database.js';
import { ofSession, ofUser, RevocationCache } from './revocation-cache.js';
import { Revocation } from './revocation.entity.js';

/** How far clocks may be apart, and how long a token may outlive its `exp` anywhere. */
export const CLOCK_TOLERANCE_MS = 60_000;
/** Where PostgreSQL tells of them: see `revocation-feed.ts`. */
export const CHANNEL = 'latchkey_revocations';
/** PostgreSQL takes messages of less than 8,000 bytes; an entry has less than 80. */
const ENTRIES_IN_A_MESSAGE = 90;
const PAGE = 10_000;
const RETRY_MS = 1000;
const LOOKED_UP_AT_ONCE = 500;

/**
 * Which access tokens have ended before their time. Written in the transaction that ends them, which also tells the other
 * processes, and kept in memory for every request to ask: no guarded request reads the database while the memory can be
 * trusted.
 */
@Injectable()
export class RevocationsService implements OnApplicationShutdown {
  private rereadWanted = false;
  private rereading = false;
  private stopped = false;
  /** Of many requests at once, one statement. */
  private readonly lookups = new Batcher(
    (tokens: Identity[]) => this.readEndingsOf(tokens),
    ({ sessionId, userId, ver }) => `${sessionId} ${userId} ${ver}`,
    () => false,
    LOOKED_UP_AT_ONCE,
    { ms: TIMEOUTS.connect, refusal: () => new Problem('database_unavailable') },
  );

  constructor(
    @InjectRepository(Revocation) private readonly stored: Repository<Revocation>,
    private readonly memory: RevocationCache,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  /**
   * Whether an authentic access token may be used now; if not, why. Asked on every request. A promise where the memory
   * cannot be trusted: then it is read from the database, by primary key.
   *
   * Tokens older than the configured lifetime are refused whatever they say, so that shortening it works at once.
   */
  whyRefused(token: Identity): ProblemCode | null | Promise<ProblemCode | null> {
    const now = this.clock.now();
    const age = now - token.issuedAt;
    if (age < -CLOCK_TOLERANCE_MS) return 'access_token_invalid';
    if (now >= token.expiresAt || age > this.config.accessTokenTtlMs + CLOCK_TOLERANCE_MS)
      return 'access_token_expired';
    return this.memory.find(token) ?? (this.memory.isTrusted ? null : this.lookups.add(token));
  }

  /** Writes, in the caller's transaction, that these sessions' tokens end. For `applyAfterCommit`. */
  revokeSessions(sessionIds: string[], manager: EntityManager): Promise<Revocation[]> {
    return this.write(
      sessionIds.map((id) => ({ subject: ofSession(id), ver: 0 })),
      manager,
    );
  }

  /** Writes, in the caller's transaction, that the user's tokens older than `ver` end. For `applyAfterCommit`. */
  outdateTokensOfUser(userId: string, ver: number, manager: EntityManager): Promise<Revocation[]> {
    return this.write([{ subject: ofUser(userId), ver }], manager);
  }

  /**
   * Runs a transaction that ends something, and makes what it answers as `ended` count in this process before anybody is
   * answered. A transaction that failed may have been committed all the same, when only the database's word of it was
   * lost: then what is written down is read again, until that succeeds.
   */
  async applyAfterCommit<T extends { ended: Revocation[] }>(transaction: () => Promise<T>): Promise<T> {
    try {
      const result = await transaction();
      this.remember(result.ended);
      return result;
    } catch (error) {
      if (!(error instanceof Problem)) void this.rereadUntilDone();
      throw error;
    }
  }

  /** Makes them count in this process. */
  remember(revocations: Revocation[]): void {
    this.memory.add(revocations, this.clock.now());
  }

  /** Reads everything unexpired; where a failover has lost a change of a user, what was known of it is forgotten. */
  async reread(): Promise<void> {
    const begun = this.memory.beginReread();
    for (let after = ''; ;) {
      const page = await this.stored.find({
        where: { until: MoreThan(this.clock.now()), subject: MoreThan(after) },
        order: { subject: 'ASC' },
        take: PAGE,
      });
      this.remember(page);
      if (page.length < PAGE) return this.memory.endReread(begun);
      after = page.at(-1)!.subject;
    }
  }

  /** One at a time, however many ask: those who ask meanwhile share the next. */
  private async rereadUntilDone(): Promise<void> {
    this.rereadWanted = true;
    if (this.rereading) return;
    this.rereading = true;
    while (this.rereadWanted && !this.stopped) {
      this.rereadWanted = false;
      await this.reread().catch(async () => {
        this.rereadWanted = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      });
    }
    this.rereading = false;
  }

  private async readEndingsOf(tokens: Identity[]): Promise<(ProblemCode | null)[]> {
    const subject = In(tokens.flatMap(({ sessionId, userId }) => [ofSession(sessionId), ofUser(userId)]));
    this.remember(await this.stored.findBy({ subject, until: MoreThan(this.clock.now()) }));
    return tokens.map((token) => this.memory.find(token));
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
    if (this.database.isPostgres) await this.tellOthers(rows, manager);
    return rows;
  }

  /** Sent when the transaction commits, and not otherwise. */
  private async tellOthers(rows: Revocation[], manager: EntityManager): Promise<void> {
    for (let from = 0; from < rows.length; from += ENTRIES_IN_A_MESSAGE) {
      const message = rows
        .slice(from, from + ENTRIES_IN_A_MESSAGE)
        .map(({ subject, ver, until }) => [subject, ver, until]);
      await this.database.rows('SELECT pg_notify($1, $2)', [CHANNEL, JSON.stringify(message)], manager);
    }
  }
}
