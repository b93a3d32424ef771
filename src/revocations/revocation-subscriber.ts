import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { NotificationListener } from '../database/notification-listener.js';
import { RevocationCache } from './revocation-cache.js';
import type { Revocation } from './revocation.entity.js';
import { CHANNEL, RevocationsService } from './revocations.service.js';

const POLL_MS = 250;

/**
 * Keeps this process's memory of endings complete. On PostgreSQL the process that ends something tells all others, over
 * a connection that each has for this alone: listen, hear oneself, read everything, and only then go by the memory; the
 * same after each loss. On SQLite, where one server runs, it looks whether another program has written.
 */
@Injectable()
export class RevocationSubscriber implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevocationSubscriber.name);
  private readonly listener: NotificationListener | undefined;
  private timer: NodeJS.Timeout | undefined;
  private dataVersion = -1;
  private interrupted = false;
  private stopped = false;

  constructor(
    private readonly revocations: RevocationsService,
    private readonly memory: RevocationCache,
    private readonly database: Database,
    config: Config,
  ) {
    if (config.database.kind === 'postgres') {
      this.listener = this.listenTo(config.databaseDirectUrl || config.database.url);
    }
  }

  async onModuleInit(): Promise<void> {
    await (this.listener ? this.listener.start() : this.poll());
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.listener?.stop();
  }

  private listenTo(url: string): NotificationListener {
    return new NotificationListener(url, CHANNEL, {
      send: (channel, payload) => this.database.rows('SELECT pg_notify($1, $2) AS heartbeat', [channel, payload]),
      onMessage: (message) => this.receive(message),
      onListening: () => this.revocations.reread(),
      onHeard: (moment) => {
        this.memory.markSyncedUntil(moment);
        if (this.interrupted) this.logger.log('The revocation feed goes on');
        this.interrupted = false;
      },
      onLost: (why) => {
        this.memory.markStale();
        this.complain(
          `The revocation feed is interrupted: ${why.message}. Guarded requests read the database meanwhile`,
        );
      },
    });
  }

  /** Once, however often it is tried in vain. */
  private complain(what: string): void {
    if (!this.interrupted) this.logger.warn(what);
    this.interrupted = true;
  }

  private receive(message: string): void {
    const entries = JSON.parse(message) as [subject: string, ver: number, until: number][];
    this.revocations.remember(entries.map(([subject, ver, until]): Revocation => ({ subject, ver, until })));
  }

  /** What this process writes itself does not change the version: it is asked over the connection that writes. */
  private async poll(): Promise<void> {
    const begun = performance.now();
    try {
      const version = await this.database.versionByOthers();
      if (version !== this.dataVersion) await this.revocations.reread();
      this.dataVersion = version;
      this.memory.markSyncedUntil(begun);
      this.interrupted = false;
    } catch (error) {
      this.complain(`Could not look whether anybody else has written: ${(error as Error).message}`);
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.poll(), POLL_MS).unref();
  }
}
