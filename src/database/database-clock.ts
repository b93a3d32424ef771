import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from './database.js';

/** Processes compare times that others wrote: one whose clock differs by more must change nothing. */
const MAX_SKEW_MS = 5000;

@Injectable()
export class DatabaseClock {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Null where the clock of this process agrees with that of the database; otherwise a sentence about the difference. */
  async whyNotAgreed(): Promise<string | null> {
    const before = this.clock.now();
    const theirs = await this.database.currentTime();
    const skew = Math.round((before + this.clock.now()) / 2 - theirs);
    return Math.abs(skew) > MAX_SKEW_MS ? `The clock is ${skew} ms away from the clock of the database.` : null;
  }
}
