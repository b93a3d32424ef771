import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { databaseProblem } from '../database/database-errors.js';
import { Metrics } from '../metrics/metrics.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { toProblem } from '../problem/to-problem.js';

const REFUSALS: ProblemCode[] = ['invalid_credentials', 'hashing_busy', 'database_unavailable', 'internal_error'];

/** Logins by outcome, `success` or the code of the problem. Each is counted once: by its last step, or by the step that failed. */
@Injectable()
export class LoginMetrics {
  private readonly logins: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.logins = metrics.counter('latchkey_logins_total', 'Logins, by outcome', ['outcome']);
    // A counter that appears with its first event has no rate for that event.
    for (const outcome of ['success', ...REFUSALS]) this.logins.inc({ outcome }, 0);
  }

  /** For the last step of a login. */
  async count<T>(step: Promise<T>): Promise<T> {
    const result = await this.countFailure(step);
    this.logins.inc({ outcome: 'success' });
    return result;
  }

  /** For the steps before the last. */
  async countFailure<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      this.logins.inc({ outcome: toProblem(error, [databaseProblem]).code });
      throw error;
    }
  }
}
