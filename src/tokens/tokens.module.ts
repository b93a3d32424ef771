import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { AccessTokenService } from './access-token.service.js';
import { DeviceTokenService } from './device-token.service.js';
import { RefreshTokenService } from './refresh-token.service.js';
import { TokenVerifier } from './token-verifier.js';

@Module({
  // Without options: every call passes its key, as a KeyObject.
  imports: [JwtModule.register({}), SigningKeysModule],
  providers: [AccessTokenService, DeviceTokenService, RefreshTokenService, TokenVerifier],
  exports: [AccessTokenService, DeviceTokenService, RefreshTokenService, TokenVerifier],
})
export class TokensModule {}
