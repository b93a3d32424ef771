import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { KeysModule } from '../key-store/key-store.module.js';
import { AccessTokens } from './access-token.service.js';
import { JwksController } from '../signing-keys/jwks.controller.js';
import { KeyRotation } from '../signing-keys/key-rotation.service.js';
import { RefreshTokens } from './refresh-token.service.js';
import { SigningKeys } from '../signing-keys/signing-keys.service.js';

@Module({
  // Without options: every key is handed over with its token, as a KeyObject.
  imports: [JwtModule.register({}), KeysModule],
  controllers: [JwksController],
  providers: [AccessTokens, KeyRotation, RefreshTokens, SigningKeys],
  exports: [AccessTokens, RefreshTokens, SigningKeys],
})
export class TokensModule {}
