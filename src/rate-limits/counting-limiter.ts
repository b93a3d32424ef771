import { RateLimiterRes } from 'rate-limiter-flexible';
import RateLimiterStoreAbstract from 'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js';
import type { RateLimit } from '../config/rate-limit-policies.js';
import type { Clock } from '../clock/clock.js';
import type { Count, Counters } from './counters.js';
import { MemoryCounters } from './memory-counters.js';

/** The result of the library, with the window that a point belongs to. */
export class CountedPoint extends RateLimiterRes {
  constructor(
    limit: RateLimit,
    { points, expiresAt: end }: Count,
    now: number,
    readonly expiresAt: number = end,
  ) {
    super(Math.max(0, limit.points - points), Math.max(0, end - now), points, points === 1);
  }
}

/**
 * A limiter of `rate-limiter-flexible` over our own counters: its own stores use `Date.now()`, and do not fit otherwise
 * either (see there). `consume` rejects with a `CountedPoint` beyond the limit, and with an error where the store failed.
 */
export class CountingLimiter extends RateLimiterStoreAbstract {
  constructor(
    readonly name: string,
    readonly limit: RateLimit,
    private readonly counters: Counters,
    private readonly clock: Clock,
  ) {
    super({ storeClient: counters, keyPrefix: name, points: limit.points, duration: limit.windowMs / 1000 });
  }

  /**
   * The same as `consume`, also beyond the limit, where the counters are in memory; null elsewhere. The promises of the
   * library would take a tenth of a refresh.
   */
  consumeNow(key: string): CountedPoint | null {
    if (!(this.counters instanceof MemoryCounters)) return null;
    return new CountedPoint(this.limit, this.counters.addNow(this.getKey(key), this.limit.windowMs), this.clock.now());
  }

  /** Takes a point back that was consumed. */
  giveBack(key: string, { expiresAt }: CountedPoint): Promise<unknown> | void {
    if (this.counters instanceof MemoryCounters) this.counters.giveBackNow(this.getKey(key), expiresAt);
    else return this.counters.giveBack(this.getKey(key), expiresAt);
  }

  // The methods that a store of the library has to have.

  protected _upsert(key: string, _points: number, windowMs: number): Promise<Count> {
    return this.counters.add(key, windowMs);
  }

  protected _get(key: string): Promise<Count | null> {
    return this.counters.find(key);
  }

  protected _delete(key: string): Promise<boolean> {
    return this.counters.delete(key);
  }

  protected _getRateLimiterRes(_key: string, _changedPoints: number, count: Count): CountedPoint {
    return new CountedPoint(this.limit, count, this.clock.now());
  }
}
