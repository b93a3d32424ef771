import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventCursors } from './event-cursors.js';
import { EventListService } from './event-list.service.js';
import { EventRetention } from './event-retention.js';
import { FailedSignInBuffer } from './failed-sign-in-buffer.js';
import { SecurityEvent } from './security-event.entity.js';
import { SecurityEvents } from './security-events.js';
import { SecurityEventsController } from './security-events.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([SecurityEvent])],
  controllers: [SecurityEventsController],
  providers: [EventCursors, EventListService, EventRetention, FailedSignInBuffer, SecurityEvents],
  exports: [EventListService, EventRetention, FailedSignInBuffer, SecurityEvents],
})
export class AuditModule {}
