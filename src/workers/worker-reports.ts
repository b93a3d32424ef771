import { totalsOf, withoutGauges, type MetricsReport, type ReportedMetric } from '../metrics/metrics-report.js';
import { primaryMetrics } from '../metrics/worker-metrics.js';
import type { CollectedMetrics } from './messages.js';
import type { WorkerProcess } from './worker-process.js';

/** Far less than a scraper waits. */
const TIMEOUT_MS = 2000;
const MAX_EXITED = 16;

type Reporter = Pick<WorkerProcess, 'isServing' | 'isHandingOver' | 'report'>;

/**
 * The numbers of all workers. Counters never go down, because Prometheus would take that for a restart, and count everything
 * once more: those of a worker that exited, or does not respond, stay in the sum as they were last reported.
 */
export class WorkerReports {
  private readonly last = new Map<Reporter, ReportedMetric[]>();
  private readonly ofExited: ReportedMetric[][] = [];
  private deaths = 0;

  /** @param wanted how many workers there should be */
  constructor(private readonly wanted: number) {}

  /** What a worker has counted until now. */
  noteTotals(worker: Reporter, totals: ReportedMetric[]): void {
    this.last.set(worker, totals);
  }

  /** Nothing of it follows. */
  noteExit(worker: Reporter): void {
    const last = this.last.get(worker);
    this.last.delete(worker);
    if (last) this.ofExited.push(last);
  }

  noteDeath(): void {
    this.deaths += 1;
  }

  /** @param running returns the workers that have not exited */
  async collect(running: () => Reporter[]): Promise<CollectedMetrics> {
    const reports = new Map<Reporter, MetricsReport>();
    const asked = running().filter(({ isServing }) => isServing);
    await Promise.all(
      asked.map(async (worker) => {
        const report = await worker.report(TIMEOUT_MS);
        if (!report) return;
        this.noteTotals(worker, withoutGauges(report.application));
        reports.set(worker, report);
      }),
    );
    await this.addUpExited();
    // From here on nothing waits: no worker is counted both as running and as exited.
    const serving = running().filter(({ isServing }) => isServing);
    const silent = serving.filter((worker) => !reports.has(worker));
    const missing = Math.max(0, this.wanted - serving.filter(({ isHandingOver }) => !isHandingOver).length);
    const own = primaryMetrics({ silent: silent.length, missing, deaths: this.deaths });
    const ofSilent = silent.map((worker) => this.last.get(worker) ?? []);
    const others = [...this.ofExited, ...ofSilent];
    const responding = serving.flatMap((worker) => reportFor(worker, reports.get(worker)));
    return { reports: responding, others: [await own, ...others] };
  }

  private async addUpExited(): Promise<void> {
    const some = [...this.ofExited];
    if (some.length < MAX_EXITED) return;
    const total = await totalsOf(some);
    // Of two scrapes at once, one has replaced them.
    if (this.ofExited[0] === some[0]) this.ofExited.splice(0, some.length, total);
  }
}

function reportFor({ isHandingOver }: Reporter, report: MetricsReport | undefined): MetricsReport[] {
  if (!report) return [];
  // Its replacement has the same number.
  return [isHandingOver ? { ...report, process: [] } : report];
}
