import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, MoreThan, Repository } from 'typeorm';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { Batcher } from '../database/batcher.js';
import { TIMEOUTS } from '../database/connection-options.js';
import { Database, type Statements } from '../database/database.js';
import type { Identity } from '../identity/identity.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { Problem } from '../problem/problem.js';
import { CLOCK_TOLERANCE_MS, whyOutOfTime } from '../tokens/access-token-lifetime.js';
import { RevocationCache, subjectOfSession, subjectOfUser } from './revocation-cache.js';
import { Revocation } from './revocation.entity.js';
import { RevokingTransaction, type NewRevocation } from './revoking-transaction.js';

/** The PostgreSQL channel of revocations: see `revocation-subscriber.ts`. */
export const CHANNEL = 'latchkey_revocations';
/** PostgreSQL takes messages of less than 8,000 bytes; an entry has less than 80. */
const ENTRIES_PER_MESSAGE = 90;
const PAGE = 10_000;
const RETRY_MS = 1000;
const MAX_LOOKUPS_PER_STATEMENT = 500;

/**
 * Which access tokens are refused before they expire. A revocation is written in the transaction that causes it, which also
 * notifies the other processes, and held in the cache of each process: no guarded request reads the database while the
 * cache is fresh.
 */
@Injectable()
export class RevocationsService implements OnApplicationShutdown {
  private reloadWanted = false;
  private reloading = false;
  private stopped = false;
  /** One statement for many requests at once. */
  private readonly lookups = new Batcher({
    run: (tokens: Identity[]) => this.lookUp(tokens),
    keyOf: ({ sessionId, userId, tokenVersion }) => `${sessionId} ${userId} ${tokenVersion}`,
    isRetriedOneByOne: () => false,
    maxSize: MAX_LOOKUPS_PER_STATEMENT,
    maxWait: { ms: TIMEOUTS.connect, error: () => new Problem('database_unavailable') },
  });

  constructor(
    @InjectRepository(Revocation) private readonly stored: Repository<Revocation>,
    private readonly cache: RevocationCache,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  /**
   * Why an authentic access token is refused now, or null. Called for every guarded request. Resolves later only while the
   * cache is stale: then the database is read, by primary key. Rejects with `database_unavailable`.
   */
  whyRefused(token: Identity): ProblemCode | null | Promise<ProblemCode | null> {
    const refusal = whyOutOfTime(token, this.clock.now(), this.config.accessTokenTtlMs) ?? this.cache.find(token);
    return refusal ?? (this.cache.isFresh ? null : this.lookups.submit(token));
  }

  /**
   * Runs a transaction, and applies what it revoked to this process after the commit. A transaction that failed may be
   * committed all the same, when only the response of the database was lost: then all revocations are read again, until
   * that succeeds.
   */
  async transaction<T>(work: (transaction: RevokingTransaction) => Promise<T>): Promise<T> {
    try {
      const { result, revocations } = await this.database.transaction(async (statements) => {
        const transaction = new RevokingTransaction(statements, (entries) => this.insert(entries, statements));
        return { result: await work(transaction), revocations: transaction.revocations };
      });
      this.apply(revocations);
      return result;
    } catch (error) {
      if (!(error instanceof Problem)) void this.reloadUntilDone();
      throw error;
    }
  }

  /** Applies revocations that are committed to this process. */
  apply(revocations: Revocation[]): void {
    this.cache.insert(revocations, this.clock.now());
  }

  /** Reads everything unexpired. Changes of users that a failover has lost are dropped from the cache. */
  async reload(): Promise<void> {
    const begun = this.cache.beginReload();
    for (let after = ''; ;) {
      const page = await this.stored.find({
        where: { until: MoreThan(this.clock.now()), subject: MoreThan(after) },
        order: { subject: 'ASC' },
        take: PAGE,
      });
      this.apply(page);
      if (page.length < PAGE) return this.cache.endReload(begun);
      after = page.at(-1)!.subject;
    }
  }

  /** Single flight: calls during a reload share the next one. */
  private async reloadUntilDone(): Promise<void> {
    this.reloadWanted = true;
    if (this.reloading) return;
    this.reloading = true;
    while (this.reloadWanted && !this.stopped) {
      this.reloadWanted = false;
      await this.reload().catch(async () => {
        this.reloadWanted = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      });
    }
    this.reloading = false;
  }

  private async lookUp(tokens: Identity[]): Promise<(ProblemCode | null)[]> {
    const subjects = tokens.flatMap(({ sessionId, userId }) => [subjectOfSession(sessionId), subjectOfUser(userId)]);
    this.apply(await this.stored.findBy({ subject: In(subjects), until: MoreThan(this.clock.now()) }));
    return tokens.map((token) => this.cache.find(token));
  }

  private async insert(entries: NewRevocation[], transaction: Statements): Promise<Revocation[]> {
    if (entries.length === 0) return [];
    const until = this.clock.now() + this.config.accessTokenTtlMs + CLOCK_TOLERANCE_MS;
    const rows = entries.map(({ subject, tokenVersion }) => ({ subject, ver: tokenVersion, until }));
    await transaction.write(
      `INSERT INTO revocations (subject, ver, until)
       SELECT r.subject, r.ver, r.until
       FROM ${this.database.table('$1', { subject: 'text', ver: 'integer', until: 'bigint' })} AS r WHERE true
       ON CONFLICT (subject) DO UPDATE
       SET ver = GREATEST(revocations.ver, excluded.ver), until = GREATEST(revocations.until, excluded.until)`,
      [JSON.stringify(rows)],
    );
    const revocations = entries.map((entry) => ({ ...entry, until }));
    if (this.database.kind === 'postgres') await notify(revocations, transaction);
    return revocations;
  }
}

/** PostgreSQL sends the messages when the transaction commits, and not otherwise. */
async function notify(revocations: Revocation[], transaction: Statements): Promise<void> {
  for (let from = 0; from < revocations.length; from += ENTRIES_PER_MESSAGE) {
    const message = encodeMessage(revocations.slice(from, from + ENTRIES_PER_MESSAGE));
    await transaction.write('SELECT pg_notify($1, $2)', [CHANNEL, message]);
  }
}

function encodeMessage(revocations: Revocation[]): string {
  return JSON.stringify(revocations.map(({ subject, tokenVersion, until }) => [subject, tokenVersion, until]));
}

/** The revocations of a message that another process sent over `CHANNEL`. */
export function decodeMessage(message: string): Revocation[] {
  const entries = JSON.parse(message) as [subject: string, tokenVersion: number, until: number][];
  return entries.map(([subject, tokenVersion, until]) => ({ subject, tokenVersion, until }));
}
