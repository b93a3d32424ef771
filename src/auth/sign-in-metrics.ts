import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../metrics/metrics.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { toProblem } from '../problem/to-problem.js';
import { databaseProblem } from '../database/database-errors.js';

const REFUSALS: ProblemCode[] = ['invalid_credentials', 'hashing_busy', 'database_unavailable', 'internal_error'];

/** How sign-ins end, each counted once: as `success`, or as the code it is refused with. */
@Injectable()
export class SignInMetrics {
  private readonly logins: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.logins = metrics.counter('latchkey_logins_total', 'Sign-ins, by how they ended', ['outcome']);
    // A counter that appears with its first event has no rate there.
    for (const outcome of ['success', ...REFUSALS]) this.logins.inc({ outcome }, 0);
  }

  /** The last step of a sign-in: counted however it ends. */
  async last<T>(step: Promise<T>): Promise<T> {
    const result = await this.step(step);
    this.logins.inc({ outcome: 'success' });
    return result;
  }

  /** A step that others follow: counted where it is the last after all. */
  async step<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      this.logins.inc({ outcome: toProblem(error, [databaseProblem]).code });
      throw error;
    }
  }
}
