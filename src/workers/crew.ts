import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { earlyDeaths, MAX_DELAY_MS, restartDelayMs } from './restart-delay.js';
import { WorkerOutput } from './worker-output.js';
import { WorkerProcess, type Exit, type WorkerEvents } from './worker-process.js';
import { WorkerReports } from './worker-reports.js';

/** After the deadline at which a worker exits by itself. */
const KILL_AFTER_MS = 1000;

export type Replacement = 'replaced' | 'failed' | 'stopping';
type Started = { kind: 'serving'; port: number } | { kind: 'failed'; code: number };

/** The workers, numbered from 1: started, replaced when they die, and stopped. */
export class Crew {
  private readonly running = new Set<WorkerProcess>();
  private readonly output = new WorkerOutput();
  private readonly earlyDeathsOf = new Map<number, number>();
  private readonly restarts = new Map<number, NodeJS.Timeout>();
  private readonly reports: WorkerReports;
  private readonly events: WorkerEvents;
  private hasStarted = false;
  private isStopping = false;

  constructor(
    private readonly config: Config,
    private readonly log: Logger,
  ) {
    this.reports = new WorkerReports(config.workers);
    this.events = {
      onScrape: () => this.reports.collect(() => [...this.running]),
      onTotals: (worker, totals) => this.reports.noteTotals(worker, totals),
    };
  }

  get numbers(): number[] {
    return Array.from({ length: this.config.workers }, (_, place) => place + 1);
  }

  /** The first worker alone, so that a mistake is reported once, and then the others. */
  async start(): Promise<Started> {
    const [one, ...others] = this.numbers;
    const first = this.fork(one!);
    const port = await first.serving;
    if (port === null) return { kind: 'failed', code: (await first.exited).code ?? 1 };
    this.hasStarted = true;
    await Promise.all(others.map((number) => !this.isStopping && this.fork(number).serving));
    return { kind: 'serving', port };
  }

  /**
   * Starts another worker of this number and, when it serves, stops the one before, and resolves when that has exited. Where
   * the new one cannot start, the one before stays.
   */
  async replace(number: number): Promise<Replacement> {
    if (this.isStopping) return 'stopping';
    clearTimeout(this.restarts.get(number));
    this.restarts.delete(number);
    const before = this.workersOf(number);
    const isServing = (await this.fork(number).serving) !== null;
    if (this.isStopping) return 'stopping';
    if (!isServing) return 'failed';
    await Promise.all(before.map((worker) => this.handOver(worker)));
    return 'replaced';
  }

  /** Resolves to whether all of them stopped cleanly. */
  async stop(): Promise<boolean> {
    this.isStopping = true;
    for (const timer of this.restarts.values()) clearTimeout(timer);
    const workers = [...this.running];
    for (const worker of workers) worker.stop('SIGTERM');
    const exits = await Promise.all(workers.map(({ exited }) => exited));
    // One that was still starting had nothing to stop.
    return workers.every(({ isServing }, place) => !isServing || exits[place]!.code === 0);
  }

  kill(): void {
    for (const worker of this.running) worker.stop('SIGKILL');
  }

  /** Resolves when everything that workers wrote to stdout is passed on. */
  async outputEnded(): Promise<void> {
    await this.output.ended();
  }

  private fork(number: number): WorkerProcess {
    const worker = new WorkerProcess(number, this.config.workers, this.events);
    this.running.add(worker);
    this.output.passOn(worker.stdout);
    void worker.exited.then((exit) => this.onExit(worker, exit));
    return worker;
  }

  private async handOver(worker: WorkerProcess): Promise<void> {
    worker.handOver();
    // It has the same deadline, unless it hangs.
    const timer = setTimeout(() => worker.stop('SIGKILL'), this.config.shutdownDeadlineMs + KILL_AFTER_MS);
    await worker.exited;
    clearTimeout(timer);
  }

  private onExit(worker: WorkerProcess, exit: Exit): void {
    this.running.delete(worker);
    this.reports.noteExit(worker);
    if (this.isStopping || !this.hasStarted) return;
    if (!worker.isHandingOver) this.onDeath(worker, exit);
    else if (exit.code !== 0) this.log.error(describe(worker, exit), 'A worker that was replaced did not stop cleanly');
  }

  private onDeath(worker: WorkerProcess, exit: Exit): void {
    this.reports.noteDeath();
    const { number, servingSince } = worker;
    const servedMs = servingSince === null ? 0 : performance.now() - servingSince;
    const deaths = earlyDeaths(this.earlyDeathsOf.get(number) ?? 0, servedMs);
    this.earlyDeathsOf.set(number, deaths);
    if (this.workersOf(number).some(({ isHandingOver }) => !isHandingOver)) {
      this.log.error(describe(worker, exit), 'A worker died: another one has its number');
      return;
    }
    const delayMs = restartDelayMs(deaths, Math.random());
    this.log.error({ ...describe(worker, exit), delayMs }, `A worker died: starting another one in ${delayMs} ms`);
    this.restartIn(delayMs, number);
  }

  private restartIn(delayMs: number, number: number): void {
    const restart = () => {
      this.restarts.delete(number);
      try {
        this.fork(number);
      } catch (error) {
        this.log.error({ worker: number, err: error }, 'A worker could not be started; trying again');
        this.restartIn(MAX_DELAY_MS, number);
      }
    };
    this.restarts.set(number, setTimeout(restart, delayMs));
  }

  private workersOf(number: number): WorkerProcess[] {
    return [...this.running].filter((worker) => worker.number === number);
  }
}

function describe({ number, pid }: WorkerProcess, { signal, code }: Exit): object {
  return { worker: number, pid, ...(signal ? { signal } : { code }) };
}
