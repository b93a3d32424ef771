import { Module } from '@nestjs/common';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';

@Module({ imports: [RateLimitsModule], providers: [OneTimeTokensService], exports: [OneTimeTokensService] })
export class OneTimeTokensModule {}
