import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Purge } from './purge.js';
import { RefreshService } from './refresh.service.js';
import { RevocationFeed } from './revocation-feed.js';
import { RevocationMemory } from './revocation-memory.js';
import { Revocation } from './revocation.entity.js';
import { Revocations } from './revocations.js';
import { RotationStatements } from './rotation-statements.js';
import { Session } from './session.entity.js';
import { SessionUpkeep } from './session-upkeep.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Session, Revocation])],
  controllers: [SessionsController],
  providers: [
    Purge,
    RefreshService,
    RevocationFeed,
    RevocationMemory,
    Revocations,
    RotationStatements,
    SessionsService,
    SessionUpkeep,
  ],
  exports: [RefreshService, RevocationMemory, Revocations, SessionsService, SessionUpkeep],
})
export class SessionsModule {}
