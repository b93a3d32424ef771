import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { PolicyName } from '../config/rate-limit-policies.js';
import type { Clock } from '../clock/clock.js';
import { CountedPoint, type CountingLimiter } from './counting-limiter.js';

/** Whom a limiter counts: an address, a network or a session. */
export interface Subject {
  name: PolicyName;
  limiter: CountingLimiter;
  key: string;
}

export type ConsumedPoint = Subject & { point: CountedPoint };

/** A limit that refuses a subject until its window ends, in milliseconds since the epoch. */
export interface Refusal {
  name: PolicyName;
  limiter: CountingLimiter;
  expiresAt: number;
}

/** For so long a refused subject is refused without asking the database again. */
const REMEMBERED_MS = 1000;
const MAX_REMEMBERED = 10_000;

/** Consumes points of several limiters at once, and gives them back. */
export class PointConsumer {
  private readonly logger = new Logger(PointConsumer.name);
  private readonly refusals = new LRUCache<string, { refusal: Refusal; until: number }>({ max: MAX_REMEMBERED });

  constructor(private readonly clock: Clock) {}

  /**
   * Consumes a point of each, or resolves to the limits that refuse it. A refused request is no attempt, and its points are
   * given back: above all, one address must not use up the points of its network. Throws the error of the store.
   */
  async consumeAll(subjects: Subject[]): Promise<{ points: ConsumedPoint[]; refusals: Refusal[] }> {
    const known = subjects.flatMap((subject) => this.findRefusal(subject) ?? []);
    if (known.length > 0) return { points: [], refusals: known };
    return this.settleRefused(consumeNow(subjects) ?? (await consumeEach(subjects)));
  }

  private settleRefused(points: ConsumedPoint[]): { points: ConsumedPoint[]; refusals: Refusal[] } {
    const refusals = points.filter(isOver).map((over) => this.remember(over));
    if (refusals.length === 0) return { points, refusals };
    this.send(points);
    return { points: [], refusals };
  }

  giveBack(points: ConsumedPoint[]): void {
    for (const point of points) this.refusals.delete(nameOf(point));
    this.send(points);
  }

  private send(points: ConsumedPoint[]): void {
    for (const { limiter, key, point } of points) {
      limiter.giveBack(key, point)?.catch((error: unknown) => {
        this.logger.warn(`A point stays counted until its window ends: ${(error as Error).message}`);
      });
    }
  }

  private findRefusal(subject: Subject): Refusal | null {
    const known = this.refusals.get(nameOf(subject));
    return known && known.until > this.clock.now() ? known.refusal : null;
  }

  private remember(over: ConsumedPoint): Refusal {
    const refusal = { name: over.name, limiter: over.limiter, expiresAt: over.point.expiresAt };
    const until = Math.min(refusal.expiresAt, this.clock.now() + REMEMBERED_MS);
    this.refusals.set(nameOf(over), { refusal, until });
    return refusal;
  }
}

/** Null where one of the limiters needs the database. */
function consumeNow(subjects: Subject[]): ConsumedPoint[] | null {
  const points: ConsumedPoint[] = [];
  for (const subject of subjects) {
    const point = subject.limiter.consumeNow(subject.key);
    if (!point) return null;
    points.push({ ...subject, point });
  }
  return points;
}

/** The limiters put all points of one turn of the event loop into one statement. */
async function consumeEach(subjects: Subject[]): Promise<ConsumedPoint[]> {
  const results = await Promise.allSettled(subjects.map(({ limiter, key }) => limiter.consume(key)));
  return results.map((result, i) => {
    const point: unknown = result.status === 'fulfilled' ? result.value : result.reason;
    if (!(point instanceof CountedPoint)) throw point;
    return { ...subjects[i]!, point };
  });
}

function isOver({ limiter, point }: ConsumedPoint): boolean {
  return point.consumedPoints > limiter.limit.points;
}

function nameOf({ name, key }: Subject): string {
  return `${name} ${key}`;
}
