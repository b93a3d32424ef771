import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { RevocationCache } from './revocation-cache.js';

/** Whether guarded requests are decided by the cache of this process, and how many entries it has. */
@Injectable()
export class RevocationMetrics {
  constructor(metrics: Metrics, cache: RevocationCache) {
    metrics.gauge('latchkey_revocation_feed_trusted', '0 while guarded requests read the database', 'min', () =>
      Number(cache.isFresh),
    );
    metrics.gauge(
      'latchkey_revocation_feed_lag_seconds',
      'Age of the last moment up to which all revocations are known',
      'max',
      () => cache.lagMs / 1000,
    );
    // Each worker knows all of them.
    metrics.gauge('latchkey_revocations_remembered', 'Revocations held in memory', 'max', () => cache.size);
  }
}
