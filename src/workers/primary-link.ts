import cluster from 'node:cluster';
import { mergeReports } from '../metrics/metrics-report.js';
import type { MetricsScrape } from '../metrics/metrics-scrape.js';
import type { CollectedMetrics, ToPrimary, ToWorker } from './messages.js';
import { WORKER_NUMBER } from './worker-process.js';

export interface Orders {
  /** Another worker serves: stop, and refuse nothing. */
  onHandOver: () => void;
  /** The primary is gone. Nobody would start this worker again, and it would hold the port. */
  onOrphaned: () => void;
}

/** The primary as a worker sees it. */
export class PrimaryLink {
  private readonly waiting = new Map<number, (collected: CollectedMetrics) => void>();
  private readonly orphaned: Promise<void>;
  private resolveOrphaned: () => void = () => {};
  private nextId = 0;
  private metrics: MetricsScrape | undefined;

  private constructor(readonly worker: number) {
    this.orphaned = new Promise((resolve) => (this.resolveOrphaned = resolve));
  }

  /** Undefined in a process that no primary has started. */
  static ofThisProcess(): PrimaryLink | undefined {
    const number = process.env[WORKER_NUMBER];
    return cluster.isWorker && number ? new PrimaryLink(Number(number)) : undefined;
  }

  obey({ onHandOver, onOrphaned }: Orders): void {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'handOver') onHandOver();
      else if (message.kind === 'reportWanted') void this.sendReport(message.id);
      else this.waiting.get(message.id)?.(message.metrics);
    });
    // The listener of `node:cluster` exits at once, in the middle of requests.
    process.removeAllListeners('disconnect');
    process.once('disconnect', () => {
      this.resolveOrphaned();
      onOrphaned();
    });
    // A terminal sends it to all processes: it is for the primary.
    process.on('SIGHUP', () => {});
  }

  announce(port: number): void {
    this.send({ kind: 'serving', port });
  }

  /** A scrape of this worker gets the numbers of all, and theirs has those of this one. */
  shareMetrics(metrics: MetricsScrape): void {
    this.metrics = metrics;
    const own = async () => ({ reports: [await metrics.report(this.worker)], others: [] });
    metrics.collectWith(async () => {
      const { reports, others } = await Promise.race([this.collect(), this.orphaned.then(own)]);
      return mergeReports(reports, others);
    });
  }

  /** What was counted until now stays in the sum. */
  async sendTotals(): Promise<void> {
    const totals = await this.metrics?.totals();
    if (totals) await new Promise<void>((sent) => this.send({ kind: 'totals', totals }, sent));
  }

  private async sendReport(id: number): Promise<void> {
    if (this.metrics) this.send({ kind: 'report', id, report: await this.metrics.report(this.worker) });
  }

  private async collect(): Promise<CollectedMetrics> {
    const id = this.nextId++;
    const collected = new Promise<CollectedMetrics>((resolve) => this.waiting.set(id, resolve));
    this.send({ kind: 'scrape', id });
    return collected.finally(() => this.waiting.delete(id));
  }

  /** Without a primary there is nobody to tell. */
  private send(message: ToPrimary, sent: () => void = () => {}): void {
    if (process.connected) process.send!(message, undefined, undefined, () => sent());
    else sent();
  }
}
