import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Metrics } from '../metrics/metrics.js';
import type { ProblemCode } from '../problem/catalogue.js';
import { ErrorTranslators } from '../problem/to-problem.js';
import type { RefreshOutcome } from './refresh-outcome.js';
import { REFUSED_BECAUSE, type RefusedBecause } from './rotation.js';

const DECIDED = ['unchanged', 'rotated', 'resent', 'reused'] as const;
const REFUSED: (RefusedBecause | ProblemCode)[] = [...REFUSED_BECAUSE, 'refresh_token_invalid'];
const FAILED: ProblemCode[] = ['database_unavailable', 'refresh_busy', 'internal_error'];

/** Refreshes by outcome. Each is counted once. */
@Injectable()
export class RefreshMetrics {
  private readonly refreshes: Counter<'outcome' | 'code'>;
  private readonly behind: Counter;

  constructor(
    metrics: Metrics,
    private readonly errors: ErrorTranslators,
  ) {
    this.refreshes = metrics.counter('latchkey_refreshes_total', 'Refreshes, by outcome', ['outcome', 'code']);
    this.behind = metrics.counter('latchkey_database_behind_total', 'Sessions whose row was older than their token');
    // A counter that appears with its first event has no rate for that event.
    for (const outcome of DECIDED) this.refreshes.inc({ outcome, code: '' }, 0);
    for (const code of REFUSED) this.refreshes.inc({ outcome: 'refused', code }, 0);
    for (const code of FAILED) this.refreshes.inc({ outcome: 'failed', code }, 0);
  }

  /** Counts a refresh by what it resolves to, or by the error it rejects with. */
  async count(refresh: Promise<RefreshOutcome>): Promise<RefreshOutcome> {
    try {
      const result = await refresh;
      this.refreshes.inc(labelsOf(result));
      return result;
    } catch (error) {
      this.refreshes.inc({ outcome: 'failed', code: this.errors.toProblem(error).code });
      throw error;
    }
  }

  countDatabaseBehind(): void {
    this.behind.inc();
  }
}

function labelsOf(result: RefreshOutcome): { outcome: string; code: string } {
  switch (result.outcome) {
    case 'refused':
      return { outcome: 'refused', code: result.because };
    case 'rejected':
      return { outcome: 'refused', code: result.problem.code };
    default:
      return { outcome: result.outcome, code: '' };
  }
}
