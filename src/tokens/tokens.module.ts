import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { KeysModule } from '../keys/keys.module.js';
import { AccessTokens } from './access-tokens.js';
import { JwksController } from './jwks.controller.js';
import { KeyRotation } from './key-rotation.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SigningKeys } from './signing-keys.js';

@Module({
  // Without options: every key is handed over with its token, as a KeyObject.
  imports: [JwtModule.register({}), KeysModule],
  controllers: [JwksController],
  providers: [AccessTokens, KeyRotation, RefreshTokens, SigningKeys],
  exports: [AccessTokens, RefreshTokens, SigningKeys],
})
export class TokensModule {}
