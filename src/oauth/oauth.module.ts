import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { IntrospectionController } from './introspection.controller.js';
import { IntrospectionService } from './introspection.service.js';
import { MetadataController } from './metadata.controller.js';
import { RevocationController } from './revocation.controller.js';
import { TokenController } from './token.controller.js';

/** The same sessions by the OAuth 2.0 standards: token, revocation and introspection endpoint, and server metadata. */
@Module({
  imports: [AuthModule, SessionsModule, TokensModule],
  controllers: [TokenController, RevocationController, IntrospectionController, MetadataController],
  providers: [IntrospectionService, TokenVerifier],
})
export class OAuthModule {}
