import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock/clock.js';
import type { Count, Counters } from './counters.js';

const MAX_KEYS = 100_000;

/**
 * Counters of this process. `RateLimiterMemory` of the library has a timer for each key and no bound. Beyond the bound the
 * least recently used key is forgotten: not one that an attacker uses.
 */
export class MemoryCounters implements Counters {
  private readonly counts: LRUCache<string, Count>;

  constructor(
    private readonly clock: Clock,
    maxKeys: number = MAX_KEYS,
  ) {
    this.counts = new LRUCache({ max: maxKeys });
  }

  get size(): number {
    return this.counts.size;
  }

  async add(key: string, windowMs: number): Promise<Count> {
    return this.addNow(key, windowMs);
  }

  async giveBack(key: string, expiresAt: number): Promise<Count> {
    return this.giveBackNow(key, expiresAt);
  }

  /** The same as `add`, for what must cost no promise. */
  addNow(key: string, windowMs: number): Count {
    const count = this.current(key) ?? this.begin(key, windowMs);
    count.points += 1;
    // A copy: the next attempt changes the count itself.
    return { points: count.points, expiresAt: count.expiresAt };
  }

  giveBackNow(key: string, expiresAt: number): Count {
    const count = this.current(key);
    if (count?.expiresAt !== expiresAt) return { points: 0, expiresAt };
    count.points = Math.max(0, count.points - 1);
    return { points: count.points, expiresAt };
  }

  async find(key: string): Promise<Count | null> {
    const count = this.current(key);
    return count && { ...count };
  }

  async delete(key: string): Promise<boolean> {
    return this.counts.delete(key);
  }

  private current(key: string): Count | null {
    const count = this.counts.get(key);
    return count && count.expiresAt > this.clock.now() ? count : null;
  }

  private begin(key: string, windowMs: number): Count {
    const count = { points: 0, expiresAt: this.clock.now() + windowMs };
    this.counts.set(key, count);
    return count;
  }
}
