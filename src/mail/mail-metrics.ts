import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Clock } from '../clock/clock.js';
import { Metrics } from '../metrics/metrics.js';
import type { DeliveryOutcome } from './outbox-delivery.js';
import { OutboxStore } from './outbox-store.js';

const OUTCOMES: DeliveryOutcome[] = ['sent', 'skipped', 'dropped', 'postponed', 'failed', 'dead'];
const REFRESH_MS = 5000;

/** The numbers of the outbox. The worker reads those of the table: a scrape reads memory only. */
@Injectable()
export class MailMetrics {
  private readonly mails: Counter<'outcome'>;
  private waiting = 0;
  private dead = 0;
  private oldestAt: number | null = null;
  private refreshedAt = 0;

  constructor(
    metrics: Metrics,
    private readonly store: OutboxStore,
    private readonly clock: Clock,
  ) {
    this.mails = metrics.counter('latchkey_mails_total', 'Attempts to send a mail of the outbox, by outcome', [
      'outcome',
    ]);
    for (const outcome of OUTCOMES) this.mails.inc({ outcome }, 0);
    // All workers read the same table.
    metrics.gauge('latchkey_outbox_waiting', 'Mails in the outbox that are to be sent', 'max', () => this.waiting);
    metrics.gauge('latchkey_outbox_dead', 'Mails in the outbox that could not be delivered', 'max', () => this.dead);
    metrics.gauge('latchkey_outbox_oldest_seconds', 'Age of the oldest mail that is to be sent', 'max', () =>
      this.oldestAt === null ? 0 : Math.max(0, this.clock.now() - this.oldestAt) / 1000,
    );
  }

  count(outcome: DeliveryOutcome): void {
    if (OUTCOMES.includes(outcome)) this.mails.inc({ outcome });
  }

  /** Reads the numbers of the table, unless that was done a moment ago. */
  async refresh({ isUrgent }: { isUrgent: boolean }): Promise<void> {
    const now = this.clock.now();
    if (!isUrgent && Math.abs(now - this.refreshedAt) < REFRESH_MS) return;
    const rows = await this.store.count();
    const [pending, dead] = ['pending', 'dead'].map((state) => rows.find((row) => row.state === state));
    this.refreshedAt = now;
    this.waiting = pending?.n ?? 0;
    this.oldestAt = pending?.oldest ?? null;
    this.dead = dead?.n ?? 0;
  }
}
