import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { CHALLENGE_HEADER } from '../http/challenge-header.js';
import { Problem } from '../problem/problem.js';
import { CounterStores } from '../rate-limits/counter-stores.js';
import { needsChallenge, type ChallengePurpose } from './challenge-decision.js';
import { deriveChallengeKeys, type ChallengeKeys } from './challenge-keys.js';
import { ChallengeMetrics, type ChallengeOutcome } from './challenge-metrics.js';
import { isSolved, issueChallenge } from './proof-of-work.js';
import { readSolutionHeader } from './solution-header.js';

const HEADER = CHALLENGE_HEADER.toLowerCase();

/**
 * How long a used challenge is remembered. As long as the longest windows of the limits: where the table is over its bound,
 * those that end first go first.
 */
const REMEMBERED_MS = 3_600_000;

type CountFailures = (request: FastifyRequest) => Promise<number>;

/** Challenges for requests over a soft limit: a proof of work, made and verified by `altcha-lib`. */
@Injectable()
export class Challenges {
  private readonly keys: ChallengeKeys;
  private readonly failureCounts = new Map<ChallengePurpose, CountFailures>();

  constructor(
    config: Config,
    private readonly stores: CounterStores,
    private readonly metrics: ChallengeMetrics,
    private readonly clock: Clock,
  ) {
    this.keys = deriveChallengeKeys(config.appSecrets);
  }

  /** Names the consecutive failures of unknown devices at the account of a request. One rule for each purpose. */
  countFailures(purpose: ChallengePurpose, rule: CountFailures): void {
    this.failureCounts.set(purpose, rule);
  }

  /**
   * Accepts the solution of a request that needs one, once over all processes. Throws `challenge_required` with a new
   * challenge; `rate_limited` where the account has to wait, so that nobody solves a challenge in vain; `database_unavailable`.
   */
  async assertSolved(purpose: ChallengePurpose, request: FastifyRequest): Promise<void> {
    const failures = (await this.failureCounts.get(purpose)?.(request)) ?? 0;
    if (!needsChallenge({ isOverSoftLimit: request.isOverSoftLimit, failures })) return;
    const header = request.headers[HEADER];
    if (header !== undefined) {
      const outcome = await this.useSolution(header, purpose);
      this.metrics.count(outcome);
      if (outcome === 'solved') return;
    }
    const challenge = await issueChallenge(purpose, this.keys, this.clock.now());
    this.metrics.count('issued');
    throw new Problem('challenge_required', { challenge });
  }

  private async useSolution(header: unknown, purpose: ChallengePurpose): Promise<ChallengeOutcome> {
    const payload = readSolutionHeader(header);
    if (!payload || !(await isSolved(payload, purpose, this.keys, this.clock.now()))) return 'invalid';
    // The signature names the challenge: another spelling of it would not verify.
    const { points } = await this.stores.singleUse.add(`challenge ${payload.challenge.signature}`, REMEMBERED_MS);
    return points === 1 ? 'solved' : 'replayed';
  }
}
