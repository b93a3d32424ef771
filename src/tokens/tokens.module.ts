import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { DeviceTokenService } from './device-token.service.js';
import { RefreshTokenVerifier } from './refresh-token-verifier.js';
import { TokenSigner } from './token-signer.js';
import { TokenVerifier } from './token-verifier.js';

@Module({
  // Without options: every call passes its key, as a KeyObject.
  imports: [JwtModule.register({}), SigningKeysModule],
  providers: [AccessTokenVerifier, DeviceTokenService, RefreshTokenVerifier, TokenSigner, TokenVerifier],
  exports: [AccessTokenVerifier, DeviceTokenService, RefreshTokenVerifier, TokenSigner, TokenVerifier],
})
export class TokensModule {}
