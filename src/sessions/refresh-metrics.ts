import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../metrics/metrics.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { toProblem } from '../problem/to-problem.js';
import { databaseProblem } from '../database/database-errors.js';
import { REFUSED_BECAUSE, type RefusedBecause } from './rotation.js';

const DECIDED = ['unchanged', 'rotated', 'resent', 'reused'] as const;
const REFUSED: (RefusedBecause | ProblemCode)[] = [...REFUSED_BECAUSE, 'refresh_token_invalid'];
const FAILED: ProblemCode[] = ['database_unavailable', 'refresh_busy', 'internal_error'];

/** What refreshes are answered with, each counted once: by the rules, or by whoever refused it before they were asked. */
@Injectable()
export class RefreshMetrics {
  private readonly refreshes: Counter<'outcome' | 'code'>;
  private readonly behind: Counter;

  constructor(metrics: Metrics) {
    this.refreshes = metrics.counter('latchkey_refreshes_total', 'Refreshes, by what came of them', [
      'outcome',
      'code',
    ]);
    this.behind = metrics.counter('latchkey_database_behind_total', 'Sessions that were older than their tokens');
    // A counter that appears with its first event has no rate there.
    for (const outcome of DECIDED) this.refreshes.inc({ outcome, code: '' }, 0);
    for (const code of REFUSED) this.refreshes.inc({ outcome: 'refused', code }, 0);
    for (const code of FAILED) this.refreshes.inc({ outcome: 'failed', code }, 0);
  }

  decided(outcome: (typeof DECIDED)[number]): void {
    this.refreshes.inc({ outcome, code: '' });
  }

  refused(because: RefusedBecause): void {
    this.refreshes.inc({ outcome: 'refused', code: because });
  }

  /** Nothing was asked of the rules, or they could not be asked: then it `failed`, and the refresh token is still good. */
  threw(error: unknown): void {
    const { code, status, options } = toProblem(error, [databaseProblem]);
    this.refreshes.inc({ outcome: status >= 500 ? 'failed' : 'refused', code: options.reason ?? code });
  }

  databaseBehind(): void {
    this.behind.inc();
  }
}
