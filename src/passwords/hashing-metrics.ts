import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { HashingQueue } from './hashing-queue.js';
import { PasswordStrength } from './password-strength.js';

/** How much hashing, and judging of new passwords, is under way. Who waits to be judged waits for the same cores. */
@Injectable()
export class HashingMetrics {
  constructor(metrics: Metrics, hashing: HashingQueue, { queue: judging }: PasswordStrength) {
    metrics.gauge('latchkey_hash_queue_running', 'Passwords being hashed or judged', () => hashing.running);
    metrics.gauge('latchkey_hash_queue_waiting', 'Passwords that wait for it', () => hashing.waiting + judging.waiting);
    metrics.countedElsewhere(
      'latchkey_hash_queue_refused_total',
      'Passwords refused because too many waited: hashing_busy',
      () => hashing.refused + judging.refused,
    );
  }
}
