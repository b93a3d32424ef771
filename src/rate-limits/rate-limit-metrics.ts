import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { POLICY_NAMES, type PolicyName } from '../config/rate-limit-policies.js';
import { Metrics } from '../metrics/metrics.js';

const THROTTLES = ['password-account', 'password-device', 'password-session', 'code-account'] as const;

/** Requests refused with `rate_limited`, by the limit that fired. */
@Injectable()
export class RateLimitMetrics {
  private readonly refused: Counter<'limit'>;

  constructor(metrics: Metrics) {
    this.refused = metrics.counter('latchkey_rate_limited_total', 'Requests refused, by the limit', ['limit']);
    // A counter that appears with its first event has no rate for that event.
    for (const limit of [...POLICY_NAMES, ...THROTTLES]) this.refused.inc({ limit }, 0);
  }

  count(limit: PolicyName | (typeof THROTTLES)[number]): void {
    this.refused.inc({ limit });
  }
}
