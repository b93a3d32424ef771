import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { IntrospectionClients } from './introspection-clients.js';
import { IntrospectionController } from './introspection.controller.js';
import { Introspection } from './introspection.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { MetadataController } from './metadata.controller.js';
import { OAuthController } from './oauth.controller.js';
import { TokenRevocation } from './token-revocation.js';

/** The same sessions in the words of OAuth 2.0, for clients and services that know nothing else. */
@Module({
  imports: [AuthModule, RevocationsModule, SessionsModule, TokensModule],
  controllers: [MetadataController, OAuthController, IntrospectionController],
  providers: [Introspection, IntrospectionClients, TokenVerifier, TokenRevocation],
})
export class OAuthModule {}
