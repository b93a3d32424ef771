import { Module } from '@nestjs/common';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { CounterStores } from './counter-stores.js';
import { PasswordThrottle } from './password-throttle.js';
import { RateLimitMetrics } from './rate-limit-metrics.js';
import { RateLimitPurge } from './rate-limit-purge.service.js';
import { RateLimits } from './rate-limits.service.js';
import { SubjectHasher } from './subject-hasher.js';
import { ThrottleRows } from './throttle-rows.js';

@Module({
  imports: [KeyStoreModule],
  providers: [
    CounterStores,
    PasswordThrottle,
    RateLimitMetrics,
    RateLimitPurge,
    RateLimits,
    SubjectHasher,
    ThrottleRows,
  ],
  exports: [CounterStores, PasswordThrottle, RateLimits],
})
export class RateLimitsModule {}
