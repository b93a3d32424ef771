import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import {
  POLICY_NAMES,
  RATE_LIMIT_POLICIES,
  softLimitOf,
  type LimitFamily,
  type LimitKey,
  type PolicyName,
  type RateLimitPolicy,
} from '../config/rate-limit-policies.js';
import { addressBlockOf, clientAddress, networkOf } from '../http/client-address.js';
import { isFromForeignPage, ownOrigins } from '../http/page-origin.js';
import type { ProblemCode } from '../problem/catalogue.js';
import type { ExceededLimit } from '../problem/exceeded-limit.js';
import { Problem } from '../problem/problem.js';
import { CounterStores } from './counter-stores.js';
import { CountingLimiter } from './counting-limiter.js';
import { PointConsumer, type ConsumedPoint, type Refusal, type Subject } from './point-consumer.js';
import { RateLimitMetrics } from './rate-limit-metrics.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Points that are given back if the request does not fail. */
    rateLimitPoints: ConsumedPoint[] | null;
    /** Whether it is beyond the soft limit of a policy of its route. */
    isOverSoftLimit: boolean;
  }
}

interface Limit {
  name: PolicyName;
  policy: RateLimitPolicy;
  limiter: CountingLimiter;
}

/** A request to a route with `@LimitRate()`, which is public or needs an access token. */
export interface LimitedAttempt {
  request: FastifyRequest;
  isPublic: boolean;
}

type Exemption = (attempt: LimitedAttempt) => boolean;
type RefusalListener = (request: FastifyRequest, code: ProblemCode) => void;

/**
 * Limits requests by the address and network of the client, as far as TRUST_PROXY says who forwards it; never by the text of
 * a header. Every point is consumed before the work that it is for.
 */
@Injectable()
export class RateLimits {
  private readonly isOff: boolean;
  private readonly ownOrigins: ReadonlySet<string>;
  private readonly limits = new Map<LimitFamily, Limit[]>();
  private readonly consumer: PointConsumer;
  private readonly exemptions = new Map<LimitFamily, Exemption[]>();
  private readonly refusalListeners: RefusalListener[] = [];

  constructor(
    config: Config,
    stores: CounterStores,
    private readonly metrics: RateLimitMetrics,
    private readonly clock: Clock,
  ) {
    this.isOff = config.rateLimits === 'off';
    this.ownOrigins = ownOrigins(config);
    this.consumer = new PointConsumer(clock);
    for (const name of POLICY_NAMES) {
      const policy = { ...RATE_LIMIT_POLICIES[name], ...config.rateLimitOverrides[name] };
      const limit = { name, policy, limiter: new CountingLimiter(name, policy, stores[policy.store], clock) };
      this.limits.set(policy.family, [...(this.limits.get(policy.family) ?? []), limit]);
    }
  }

  /**
   * Names requests of a family that others at their address must not keep out: what they may do has limits of its own. Asked
   * only beyond a soft limit: it verifies a token.
   */
  exempt(family: LimitFamily, isExempt: Exemption): void {
    this.exemptions.set(family, [...(this.exemptions.get(family) ?? []), isExempt]);
  }

  /** The listener is called for each request that is refused before it reaches its route. */
  onRefused(listener: RefusalListener): void {
    this.refusalListeners.push(listener);
  }

  /** Calls the listeners. */
  reportRefused(request: FastifyRequest, code: ProblemCode): void {
    for (const listener of this.refusalListeners) listener(request, code);
  }

  /** Consumes a point of each policy of the family. Throws `rate_limited` and `database_unavailable`. */
  async consume(family: LimitFamily, attempt: LimitedAttempt): Promise<void> {
    if (this.isOff) return;
    const { request } = attempt;
    const keys = this.keysOf(request);
    const limits = this.limits.get(family)!;
    const subjects: Subject[] = limits.map(({ name, limiter, policy }) => ({ name, limiter, key: keys[policy.key]! }));
    const { points, refusals } = await this.consumer.consumeAll(subjects);
    const isOverSoftLimit = refusals.length > 0 || points.some(isOverSoft);
    if (isOverSoftLimit && this.exemptions.get(family)?.some((isExempt) => isExempt(attempt))) {
      this.consumer.giveBack(points);
      return;
    }
    this.assertNotRefused(refusals, () => this.reportRefused(request, 'rate_limited'));
    if (isOverSoftLimit) request.isOverSoftLimit = true;
    if (limits.every(({ policy }) => policy.counts === 'failure')) request.rateLimitPoints = points;
  }

  /** Consumes a point of each of these sessions, for a refresh. Throws `rate_limited`. */
  async consumeRefresh(sessionIds: string[]): Promise<void> {
    if (this.isOff) return;
    const limits = this.limits.get('refresh')!;
    const subjects = limits.flatMap(({ name, limiter }) => sessionIds.map((key) => ({ name, limiter, key })));
    this.assertNotRefused((await this.consumer.consumeAll(subjects)).refusals);
  }

  /** Gives the points of a request back unless its client failed, or disconnected: it may have guessed. */
  settle({ rateLimitPoints: points }: FastifyRequest, status: number, aborted: boolean): void {
    const failed = aborted || (status >= 400 && status < 500);
    if (points && !failed) this.consumer.giveBack(points);
  }

  /** What a page of somebody else sends is counted apart: its visitors do not know of it, and keep their attempts. */
  private keysOf(request: FastifyRequest): Partial<Record<LimitKey, string>> {
    const address = clientAddress(request);
    const prefix = isFromForeignPage(request, this.ownOrigins) ? 'foreign page ' : '';
    return { address: prefix + addressBlockOf(address), network: prefix + networkOf(address) };
  }

  private assertNotRefused(refusals: Refusal[], onRefused = () => {}): void {
    const [first, ...others] = refusals.map((refusal) => this.toExceeded(refusal));
    if (!first) return;
    for (const { name } of refusals) this.metrics.count(name);
    onRefused();
    throw new Problem('rate_limited', { limits: [first, ...others] });
  }

  private toExceeded({ name, limiter: { limit }, expiresAt }: Refusal): ExceededLimit {
    const retryAfterMs = Math.max(0, expiresAt - this.clock.now());
    return { name, points: limit.points, windowMs: limit.windowMs, retryAfterMs };
  }
}

function isOverSoft({ limiter, point }: ConsumedPoint): boolean {
  return point.consumedPoints > softLimitOf(limiter.limit);
}
