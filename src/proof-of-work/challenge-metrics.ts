import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../metrics/metrics.js';

const OUTCOMES = ['issued', 'solved', 'invalid', 'replayed'] as const;

export type ChallengeOutcome = (typeof OUTCOMES)[number];

/** Challenges that were issued, and what became of the solutions that were sent. */
@Injectable()
export class ChallengeMetrics {
  private readonly challenges: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.challenges = metrics.counter('latchkey_challenges_total', 'Challenges and their solutions, by outcome', [
      'outcome',
    ]);
    // A counter that appears with its first event has no rate for that event.
    for (const outcome of OUTCOMES) this.challenges.inc({ outcome }, 0);
  }

  count(outcome: ChallengeOutcome): void {
    this.challenges.inc({ outcome });
  }
}
