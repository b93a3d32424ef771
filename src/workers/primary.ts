import cluster from 'node:cluster';
import { pino } from 'pino';
import { logStartup } from '../boot/log-startup.js';
import type { Config } from '../config/config.js';
import { isPipeOrSocket, LogDestination } from '../http/log-destination.js';
import { loggerOptions } from '../http/request-log.js';
import { Crew } from './crew.js';
import { RollingRestart } from './rolling-restart.js';

/**
 * The process that starts the workers, replaces those that die, and passes on signals: SIGTERM and SIGINT stop all, SIGHUP
 * replaces one after the other. It serves no request and opens no database.
 */
export class Primary {
  private readonly destination = new LogDestination();
  private readonly log: pino.Logger;
  private readonly crew: Crew;
  private readonly rollingRestart: RollingRestart;
  private isStarted = false;
  private isStopping = false;

  constructor(private readonly config: Config) {
    const { stream, ...options } = loggerOptions(config, this.destination);
    this.log = pino(options, stream!);
    configureCluster();
    this.crew = new Crew(config, this.log);
    this.rollingRestart = new RollingRestart(this.crew, this.log);
  }

  async run(): Promise<void> {
    process.on('SIGTERM', (signal) => void this.stop(signal));
    process.on('SIGINT', (signal) => void this.stop(signal));
    process.on('SIGHUP', () => void this.restart());
    process.on('unhandledRejection', (error) => this.log.error({ err: error }, 'unhandled rejection'));
    const started = await this.crew.start();
    if (this.isStopping) return;
    // What keeps the first worker from starting keeps all of them: it has explained it on stderr.
    if (started.kind === 'failed') return this.exit(started.code);
    logStartup(this.log, this.config, started.port);
    this.isStarted = true;
  }

  /** Those that are starting run what a restart would run. */
  private async restart(): Promise<void> {
    if (this.isStarted && !this.isStopping) await this.rollingRestart.request();
  }

  /** The workers have the same deadline. */
  private async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.isStopping) return;
    this.isStopping = true;
    const { shutdownDeadlineMs: deadlineMs } = this.config;
    this.log.info(`${signal}: stopping`);
    setTimeout(() => {
      this.log.error(`Not stopped after ${deadlineMs} ms: killing the workers that remain`);
      this.crew.kill();
      process.exit(1);
    }, deadlineMs);
    const isClean = await this.crew.stop();
    this.log.info('Stopped');
    await this.exit(isClean ? 0 : 1);
  }

  private async exit(code: number): Promise<void> {
    await this.crew.outputEnded();
    await this.destination.flush();
    process.exit(code);
  }
}

/**
 * Workers accept connections themselves (SCHED_NONE). With round robin the primary accepts them and sends them on: one that
 * is on its way to a worker that is killed then stays open forever, without a response, and one that waits when all workers
 * stop is reset.
 */
function configureCluster(): void {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  // `WorkerOutput` passes it on: in one pipe, lines of several processes would be mixed.
  const stdout = isPipeOrSocket() ? 'pipe' : 'inherit';
  // `advanced` keeps the NaN of a metric without samples.
  cluster.setupPrimary({ serialization: 'advanced', stdio: ['inherit', stdout, 'inherit', 'ipc'] });
}
