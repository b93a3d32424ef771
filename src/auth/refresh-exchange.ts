import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Problem } from '../problem/problem.js';
import { RefreshMetrics } from '../sessions/refresh-metrics.js';
import { RefreshService, type RefreshOutcome } from '../sessions/refresh.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { RefreshTokenService, type PresentedRefreshToken } from '../tokens/refresh-token.service.js';

/** A living session, and whether its refresh token is news to whoever presented one. */
export interface Refreshed {
  session: LiveSession;
  isNew: boolean;
}

/** Staying signed in: one way for a refresh token, whichever route it comes by. */
@Injectable()
export class RefreshExchange {
  constructor(
    private readonly tokens: RefreshTokenService,
    private readonly refreshes: RefreshService,
    private readonly metrics: RefreshMetrics,
    private readonly clock: Clock,
  ) {}

  /**
   * What a refresh token of ours is exchanged for. Throws `session_revoked`, `session_expired`, `refresh_token_reused`,
   * `refresh_busy`.
   */
  async exchange(presented: PresentedRefreshToken): Promise<Refreshed> {
    const { expiresAt, sessionId } = presented;
    if (this.clock.now() >= expiresAt) {
      throw this.counted(new Problem('session_expired', { sessionId, reason: 'expired_absolute' }));
    }
    const outcome = await this.refreshes.refresh(presented);
    if ('session' in outcome) return { session: outcome.session, isNew: outcome.outcome !== 'unchanged' };
    throw toProblem(outcome, sessionId);
  }

  /** The same for a text that may be anything. Throws `refresh_token_invalid` as well. */
  async exchangeText(token: string): Promise<Refreshed> {
    const known = this.tokens.verify(token);
    if (!known) throw this.counted(new Problem('refresh_token_invalid'));
    return this.exchange(known.presented);
  }

  private counted(problem: Problem): Problem {
    this.metrics.threw(problem);
    return problem;
  }
}

function toProblem(outcome: Exclude<RefreshOutcome, { session: LiveSession }>, sessionId: string): Problem {
  if (outcome.outcome === 'reused') return new Problem('refresh_token_reused', { sessionId, reason: 'reused' });
  switch (outcome.because) {
    case 'expired_idle':
    case 'expired_absolute':
      return new Problem('session_expired', { sessionId, reason: outcome.because });
    case 'revoked':
      return new Problem('session_revoked', { sessionId, reason: outcome.revokedReason ?? 'revoked' });
    case 'user_inactive':
    case 'unknown_session':
      return new Problem('session_revoked', { sessionId, reason: outcome.because });
  }
}
