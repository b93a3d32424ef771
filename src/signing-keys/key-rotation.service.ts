import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { DatabaseClock } from '../database/database-clock.js';
import { SigningKeysService } from './signing-keys.service.js';

/** Far less than the time between publishing a key and signing with it: all processes have read it by then. */
const INTERVAL_MS = 5000;

/**
 * Keeps the signing keys of this process equal to those of the database, and follows their schedule: makes a new key when
 * one is due, and removes retired ones. Every process does so; the primary key lets one of them succeed.
 */
@Injectable()
export class KeyRotationService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(KeyRotationService.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private failing = false;

  constructor(
    private readonly keys: SigningKeysService,
    private readonly databaseClock: DatabaseClock,
    metrics: Metrics,
  ) {
    metrics.gauge(
      'latchkey_signing_keys_age_seconds',
      'How long ago the signing keys were read from the database',
      'max',
      () => this.keys.ageMs / 1000,
    );
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.running.then(() => this.tick());
    }, INTERVAL_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** Reads the keys, and follows their schedule. */
  async keepUp(): Promise<void> {
    await this.keys.reload();
    const { isDue, retired } = this.keys.schedule();
    if (isDue) await this.keys.add();
    if (retired.length > 0) await this.keys.remove(retired);
    if (isDue || retired.length > 0) this.report();
  }

  /** Never rejects: the known keys stay in use until the database can be read. */
  async tick(): Promise<void> {
    try {
      // A process whose clock is ahead would make keys too early, and remove keys that are in use.
      await ((await this.databaseClock.whyNotAgreed()) ? this.keys.reload() : this.keepUp());
      this.failing = false;
    } catch (error) {
      if (!this.failing)
        this.logger.error(`Could not read the signing keys; trying again: ${(error as Error).message}`);
      this.failing = true;
    }
  }

  private report(): void {
    const { signer, next } = this.keys.schedule();
    const then = next ? `; ${next.key.kid} from ${new Date(next.signsFrom).toISOString()}` : '';
    this.logger.log(`Access tokens are signed with ${signer.kid}${then}`);
  }
}
