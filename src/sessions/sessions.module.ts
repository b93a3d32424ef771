import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { Purge } from './purge.service.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { RefreshService } from './refresh.service.js';
import { RevocationFeed } from '../revocations/revocation-subscriber.js';
import { RevocationMemory } from '../revocations/revocation-cache.js';
import { RevocationMetrics } from '../revocations/revocation-metrics.js';
import { Revocation } from '../revocations/revocation.entity.js';
import { Revocations } from '../revocations/revocations.service.js';
import { RotationStatements } from './rotation-statements.js';
import { Session } from './session.entity.js';
import { SessionUpkeep } from './session-write-buffer.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';
import { UserChanges } from './user-changes.js';

@Module({
  imports: [TypeOrmModule.forFeature([Session, Revocation]), UsersModule],
  controllers: [SessionsController],
  providers: [
    Purge,
    RefreshMetrics,
    RefreshService,
    RevocationFeed,
    RevocationMemory,
    RevocationMetrics,
    Revocations,
    RotationStatements,
    SessionsService,
    SessionUpkeep,
    UserChanges,
  ],
  exports: [RefreshMetrics, RefreshService, RevocationMemory, Revocations, SessionsService, SessionUpkeep, UserChanges],
})
export class SessionsModule {}
