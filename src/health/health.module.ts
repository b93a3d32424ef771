import { Module } from '@nestjs/common';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [RevocationsModule, SigningKeysModule], controllers: [HealthController] })
export class HealthModule {}
