import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RevocationCache } from './revocation-cache.js';
import { RevocationMetrics } from './revocation-metrics.js';
import { RevocationSubscriber } from './revocation-subscriber.js';
import { Revocation } from './revocation.entity.js';
import { RevocationsService } from './revocations.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Revocation])],
  providers: [RevocationCache, RevocationMetrics, RevocationSubscriber, RevocationsService],
  exports: [RevocationCache, RevocationsService],
})
export class RevocationsModule {}
