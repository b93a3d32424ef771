import { Module } from '@nestjs/common';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { JwksController } from './jwks.controller.js';
import { KeyRotationService } from './key-rotation.service.js';
import { SigningKeysService } from './signing-keys.service.js';

@Module({
  imports: [KeyStoreModule],
  controllers: [JwksController],
  providers: [KeyRotationService, SigningKeysService],
  exports: [SigningKeysService],
})
export class SigningKeysModule {}
