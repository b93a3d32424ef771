import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { MetricsReport, ReportedMetric } from '../metrics/metrics-report.js';
import type { CollectedMetrics, ToPrimary, ToWorker } from './messages.js';

/** The environment variable that tells a worker its number. */
export const WORKER_NUMBER = 'LATCHKEY_WORKER';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface WorkerEvents {
  onScrape: () => Promise<CollectedMetrics>;
  onTotals: (worker: WorkerProcess, totals: ReportedMetric[]) => void;
}

/** One worker as the primary sees it, from its fork to its exit. Its replacement is another one of the same number. */
export class WorkerProcess {
  /** Resolves to its port when it serves, and to null when it exits before. */
  readonly serving: Promise<number | null>;
  readonly exited: Promise<Exit>;
  /** Since when it serves, by `performance.now()`. */
  servingSince: number | null = null;
  /** It was told to stop, because another one of its number serves. */
  isHandingOver = false;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (report: MetricsReport) => void>();
  private nextId = 0;

  /** @param workers how many there are: a worker never reads another number from `.env` */
  constructor(
    readonly number: number,
    workers: number,
    private readonly events: WorkerEvents,
  ) {
    this.worker = cluster.fork({ WORKERS: String(workers), [WORKER_NUMBER]: String(number) });
    this.exited = exitOf(this.worker);
    this.serving = new Promise((resolve) => {
      this.worker.on('message', (message: ToPrimary) => {
        if (message.kind === 'serving') {
          this.servingSince = performance.now();
          resolve(message.port);
        } else this.receive(message);
      });
      void this.exited.then(() => resolve(null));
    });
  }

  get isServing(): boolean {
    return this.servingSince !== null;
  }

  /** Null where it writes to the stdout of the primary itself. */
  get stdout(): Readable | null {
    return this.worker.process.stdout;
  }

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  stop(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.worker.process.kill(signal);
  }

  /** Stops it in favour of one that serves already: it refuses no request. */
  handOver(): void {
    this.isHandingOver = true;
    if (this.isServing) this.send({ kind: 'handOver' });
    else this.stop('SIGTERM');
  }

  /** Its numbers; null when they do not come in time. */
  async report(timeoutMs: number): Promise<MetricsReport | null> {
    const id = this.nextId++;
    const report = new Promise<MetricsReport>((resolve) => this.waiting.set(id, resolve));
    this.send({ kind: 'reportWanted', id });
    const timer = new AbortController();
    const none = Promise.race([this.exited, pause(timeoutMs, null, timer).catch(() => null)]).then(() => null);
    const first = await Promise.race([report, none]);
    timer.abort();
    this.waiting.delete(id);
    return first;
  }

  private receive(message: Exclude<ToPrimary, { kind: 'serving' }>): void {
    if (message.kind === 'report') this.waiting.get(message.id)?.(message.report);
    else if (message.kind === 'totals') this.events.onTotals(this, message.totals);
    else void this.events.onScrape().then((metrics) => this.send({ kind: 'collected', id: message.id, metrics }));
  }

  /** It may have died just now. */
  private send(message: ToWorker): void {
    if (this.worker.isConnected()) this.worker.send(message, () => {});
  }
}

/** Resolves when it has exited and all its messages are read: the last ones may arrive after its exit. */
function exitOf(worker: Worker): Promise<Exit> {
  const disconnected = new Promise<void>((resolve) => void worker.once('disconnect', resolve));
  return new Promise((resolve) => {
    worker.once('exit', (code, signal) => {
      void disconnected.then(() => resolve({ code, signal: signal as NodeJS.Signals | null }));
    });
    // Also emitted where a message cannot be sent, because the worker is gone: its exit follows. A fork that fails has none.
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve({ code: 1, signal: null });
    });
  });
}
