import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Config } from '../config/config.js';
import { MailMetrics } from './mail-metrics.js';
import { MailSender } from './mail-sender.js';
import { OutboxDelivery, type Delivery } from './outbox-delivery.js';
import { Outbox } from './outbox.js';

const POLL_MS = 1000;
const MAX_SHUTDOWN_MS = 5000;

/**
 * Sends the mail of the outbox, one at a time in each process: when it is woken, and every second, because another process
 * may have stopped. A process that is killed loses nothing: its entry is due again after the lease.
 */
@Injectable()
export class OutboxWorker implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(OutboxWorker.name);
  private readonly stop = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;
  private isWanted = false;
  private isStopping = false;
  private isFailing = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly delivery: OutboxDelivery,
    private readonly sender: MailSender,
    private readonly metrics: MailMetrics,
    private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.outbox.isAvailable) return;
    this.outbox.onWake(() => this.start());
    this.start();
  }

  /** Waits for the mail in flight, for at most a third of the time that the process has left. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    const bound = Math.min(MAX_SHUTDOWN_MS, this.config.shutdownDeadlineMs / 3);
    const timer = setTimeout(() => this.stop.abort(), bound);
    await this.running;
    clearTimeout(timer);
    this.sender.close();
  }

  private start(): void {
    this.isWanted = true;
    if (this.isStopping || this.running) return;
    clearTimeout(this.timer);
    this.running = this.run().finally(() => {
      this.running = null;
      if (!this.isStopping) this.timer = setTimeout(() => this.start(), POLL_MS).unref();
    });
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    try {
      while (this.isWanted && !this.isStopping) {
        this.isWanted = false;
        const hasWorked = await this.deliverAll();
        await this.metrics.refresh({ isUrgent: hasWorked });
      }
      if (this.isFailing) this.logger.warn('The outbox continues');
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`The outbox pauses; trying again: ${(error as Error).message}`);
      this.isFailing = true;
    }
  }

  /** Resolves to whether anything was due. */
  private async deliverAll(): Promise<boolean> {
    for (let hasWorked = false; ; hasWorked = true) {
      const delivery = this.isStopping ? null : await this.delivery.deliverNext(this.stop.signal);
      if (!delivery) return hasWorked;
      this.metrics.count(delivery.outcome);
      this.report(delivery);
    }
  }

  /** No address: the line names the entry, which `npm run outbox -- list` shows. */
  private report({ outcome, claim, error, bug }: Delivery): void {
    const mail = `Mail ${claim.id} (${claim.kind})`;
    if (bug) this.logger.error(new Error(`${mail} could not be composed`, { cause: bug }));
    if (outcome === 'dead') this.logger.error(`${mail} is dead after ${claim.attempts} attempts: ${error}`);
    else if (outcome === 'failed') this.logger.warn(`${mail} was not sent; trying again: ${error}`);
    else this.logger.log(`${mail}: ${outcome}`);
  }
}
