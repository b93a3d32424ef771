import type { Logger } from 'pino';
import type { Crew } from './crew.js';

/** Replaces one worker after the other. Asked again meanwhile, it does so once more: the newest build has to run. */
export class RollingRestart {
  private isRunning = false;
  private isWantedAgain = false;

  constructor(
    private readonly crew: Pick<Crew, 'numbers' | 'replace'>,
    private readonly log: Pick<Logger, 'info' | 'error'>,
  ) {}

  async request(): Promise<void> {
    this.isWantedAgain = true;
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.isWantedAgain) {
      this.isWantedAgain = false;
      await this.replaceAll();
    }
    this.isRunning = false;
  }

  private async replaceAll(): Promise<void> {
    this.log.info('Rolling restart: replacing one worker after the other');
    for (const number of this.crew.numbers) {
      const replacement = await this.crew.replace(number);
      if (replacement === 'failed') {
        this.log.error(`Rolling restart: ended, because a new worker ${number} could not start. The old ones serve`);
      }
      if (replacement !== 'replaced') return;
    }
    this.log.info('Rolling restart: all workers are replaced');
  }
}
