import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Database } from './database.js';

/** Processes compare times that others wrote. One whose clock is further away from the database's must not be let loose. */
const MAX_SKEW_MS = 5000;

@Injectable()
export class DatabaseClock {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Null where this process's clock agrees with the database's; otherwise how it does not. One statement. */
  async whyNotAgreed(): Promise<string | null> {
    const skew = await this.database.clockSkew(() => this.clock.now());
    return Math.abs(skew) > MAX_SKEW_MS ? `The clock is ${skew} ms away from the database's.` : null;
  }
}
