import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { KeysModule } from '../key-store/key-store.module.js';
import { AccessTokenService } from './access-token.service.js';
import { JwksController } from '../signing-keys/jwks.controller.js';
import { KeyRotationService } from '../signing-keys/key-rotation.service.js';
import { RefreshTokenService } from './refresh-token.service.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

@Module({
  // Without options: every key is handed over with its token, as a KeyObject.
  imports: [JwtModule.register({}), KeysModule],
  controllers: [JwksController],
  providers: [AccessTokenService, KeyRotationService, RefreshTokenService, SigningKeysService],
  exports: [AccessTokenService, RefreshTokenService, SigningKeysService],
})
export class TokensModule {}
