import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../metrics/metrics.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { ErrorTranslators } from '../problem/to-problem.js';
import { RateLimits } from '../rate-limits/rate-limits.service.js';

const FAILURES: ProblemCode[] = [
  'invalid_credentials',
  'rate_limited',
  'challenge_required',
  'hashing_busy',
  'database_unavailable',
  'internal_error',
];

const LOGIN = '/auth/login';

/** Logins by outcome: `success`, or the code of the problem. Each is counted once. */
@Injectable()
export class LoginMetrics {
  private readonly logins: Counter<'outcome'>;

  constructor(
    metrics: Metrics,
    private readonly errors: ErrorTranslators,
    limits: RateLimits,
  ) {
    this.logins = metrics.counter('latchkey_logins_total', 'Logins, by outcome', ['outcome']);
    // A counter that appears with its first event has no rate for that event.
    for (const outcome of ['success', ...FAILURES]) this.logins.inc({ outcome }, 0);
    // These never reach the route.
    limits.onRefused(({ routeOptions }, code) => {
      if (routeOptions.url === LOGIN) this.logins.inc({ outcome: code });
    });
  }

  async count<T>(login: Promise<T>): Promise<T> {
    try {
      const result = await login;
      this.logins.inc({ outcome: 'success' });
      return result;
    } catch (error) {
      this.logins.inc({ outcome: this.errors.toProblem(error).code });
      throw error;
    }
  }
}
