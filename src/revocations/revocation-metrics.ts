import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { RevocationCache } from './revocation-cache.js';

/** Whether guarded requests can go by this process's memory of endings, and how much is in it. */
@Injectable()
export class RevocationMetrics {
  constructor(metrics: Metrics, memory: RevocationCache) {
    metrics.gauge('latchkey_revocation_feed_trusted', '0 while guarded requests read the database', () =>
      Number(memory.isTrusted),
    );
    metrics.gauge(
      'latchkey_revocation_feed_lag_seconds',
      'Age of the last moment up to which all endings are known',
      () => memory.lagMs / 1000,
    );
    metrics.gauge('latchkey_revocations_remembered', 'Endings held in memory', () => memory.size);
  }
}
