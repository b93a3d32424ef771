import { Module } from '@nestjs/common';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { ChallengeMetrics } from './challenge-metrics.js';
import { Challenges } from './challenges.service.js';

@Module({
  imports: [RateLimitsModule],
  providers: [ChallengeMetrics, Challenges],
  exports: [Challenges],
})
export class ProofOfWorkModule {}
