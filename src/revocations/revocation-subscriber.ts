import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { NotificationListener } from '../database/notification-listener.js';
import { SqliteDatabase } from '../database/sqlite-database.js';
import { RevocationCache } from './revocation-cache.js';
import { CHANNEL, decodeMessage, RevocationsService } from './revocations.service.js';

const POLL_INTERVAL_MS = 250;

/**
 * Keeps the revocation cache of this process complete. On PostgreSQL every process listens, over a connection of its own,
 * for what the others revoke: listen, receive its own notification, read everything, and only then call the cache fresh;
 * the same after each lost connection. On SQLite, where one server runs, it polls whether another program has written.
 */
@Injectable()
export class RevocationSubscriber implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevocationSubscriber.name);
  private listener: NotificationListener | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  private dataVersion: number | undefined;
  private isInterrupted = false;
  private stopped = false;

  constructor(
    private readonly revocations: RevocationsService,
    private readonly cache: RevocationCache,
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  async onModuleInit(): Promise<void> {
    if (this.database instanceof SqliteDatabase) return this.poll(this.database);
    const { database, databaseDirectUrl } = this.config;
    if (database.kind === 'postgres') await this.listen(databaseDirectUrl || database.url);
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.pollTimer);
    this.listener?.stop();
  }

  private listen(url: string): Promise<void> {
    this.listener = new NotificationListener(url, CHANNEL, {
      send: (channel, payload) => this.database.write('SELECT pg_notify($1, $2) AS heartbeat', [channel, payload]),
      onMessage: (message) => this.revocations.apply(decodeMessage(message)),
      onListening: () => this.revocations.reload(),
      onSynced: (moment) => {
        this.cache.markSyncedUntil(moment);
        if (this.isInterrupted) this.logger.log('The revocation feed is connected again');
        this.isInterrupted = false;
      },
      onLost: (reason) => {
        this.cache.markStale();
        this.warnOnce(
          `The revocation feed is interrupted: ${reason.message}. Guarded requests read the database meanwhile`,
        );
      },
    });
    return this.listener.start();
  }

  /** Logs the first failure of a row of failures. */
  private warnOnce(message: string): void {
    if (!this.isInterrupted) this.logger.warn(message);
    this.isInterrupted = true;
  }

  private async poll(database: SqliteDatabase): Promise<void> {
    const begun = performance.now();
    try {
      const version = await database.dataVersion();
      if (version !== this.dataVersion) await this.revocations.reload();
      this.dataVersion = version;
      this.cache.markSyncedUntil(begun);
      this.isInterrupted = false;
    } catch (error) {
      this.warnOnce(`Could not check whether another program has written: ${(error as Error).message}`);
    }
    if (!this.stopped) this.pollTimer = setTimeout(() => void this.poll(database), POLL_INTERVAL_MS).unref();
  }
}
