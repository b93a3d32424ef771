import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { PurgeService } from './purge.service.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { RefreshService } from './refresh.service.js';
import { RevocationSubscriber } from '../revocations/revocation-subscriber.js';
import { RevocationCache } from '../revocations/revocation-cache.js';
import { RevocationMetrics } from '../revocations/revocation-metrics.js';
import { Revocation } from '../revocations/revocation.entity.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { RotationStatements } from './rotation-statements.js';
import { Session } from './session.entity.js';
import { SessionWriteBuffer } from './session-write-buffer.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';
import { UserChanges } from './user-changes.js';

@Module({
  imports: [TypeOrmModule.forFeature([Session, Revocation]), UsersModule],
  controllers: [SessionsController],
  providers: [
    PurgeService,
    RefreshMetrics,
    RefreshService,
    RevocationSubscriber,
    RevocationCache,
    RevocationMetrics,
    RevocationsService,
    RotationStatements,
    SessionsService,
    SessionWriteBuffer,
    UserChanges,
  ],
  exports: [
    RefreshMetrics,
    RefreshService,
    RevocationCache,
    RevocationsService,
    SessionsService,
    SessionWriteBuffer,
    UserChanges,
  ],
})
export class SessionsModule {}
