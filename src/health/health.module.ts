import { Module } from '@nestjs/common';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [SessionsModule, TokensModule], controllers: [HealthController] })
export class HealthModule {}
