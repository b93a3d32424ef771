import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { Purge } from './purge.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { RefreshService } from './refresh.service.js';
import { RevocationFeed } from './revocation-feed.js';
import { RevocationMemory } from './revocation-memory.js';
import { RevocationMetrics } from './revocation-metrics.js';
import { Revocation } from './revocation.entity.js';
import { Revocations } from './revocations.js';
import { RotationStatements } from './rotation-statements.js';
import { Session } from './session.entity.js';
import { SessionUpkeep } from './session-upkeep.js';
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
