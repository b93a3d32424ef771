import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module.js';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { UsersModule } from '../users/users.module.js';
import { PurgeService } from './purge.service.js';
import { RefreshMetrics } from './refresh-metrics.js';
import { RefreshService } from './refresh.service.js';
import { RotationBatches } from './rotation-batches.js';
import { RotationStatements } from './rotation-statements.js';
import { SessionWriteBuffer } from './session-write-buffer.js';
import { SessionStatements } from './session-statements.js';
import { Session } from './session.entity.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';
import { UserChangesService } from './user-changes.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Session]), AuditModule, RevocationsModule, UsersModule],
  controllers: [SessionsController],
  providers: [
    PurgeService,
    RefreshMetrics,
    RefreshService,
    RotationBatches,
    RotationStatements,
    SessionsService,
    SessionStatements,
    SessionWriteBuffer,
    UserChangesService,
  ],
  exports: [RefreshService, SessionsService, SessionWriteBuffer, UserChangesService],
})
export class SessionsModule {}
