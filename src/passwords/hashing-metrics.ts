import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { HashingQueue, LookupQueue } from './hashing-queue.js';

/**
 * The load of hashing and of estimating the strength of new passwords, which wait for the same cores. Sign-ins that wait to
 * look up their user count as waiting to be hashed.
 */
@Injectable()
export class HashingMetrics {
  constructor(metrics: Metrics, hashing: HashingQueue, lookups: LookupQueue) {
    metrics.gauge('latchkey_hash_queue_running', 'Passwords being hashed or estimated', 'sum', () => hashing.running);
    metrics.gauge(
      'latchkey_hash_queue_waiting',
      'Passwords waiting to be hashed or estimated',
      'sum',
      () => hashing.waiting + lookups.waiting,
    );
    metrics.countedElsewhere(
      'latchkey_hash_queue_refused_total',
      'Passwords refused because too many waited: hashing_busy',
      () => hashing.refused + lookups.refused,
    );
  }
}
