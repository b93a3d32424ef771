import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { IntrospectionController } from './introspection.controller.js';
import { IntrospectionService } from './introspection.service.js';
import { MetadataController } from './metadata.controller.js';
import { RevocationController } from './revocation.controller.js';
import { TokenController } from './token.controller.js';

/** The same sessions by the OAuth 2.0 standards: token, revocation and introspection endpoint, and server metadata. */
@Module({
  imports: [AuthModule, RateLimitsModule, RevocationsModule, SessionsModule, TokensModule],
  controllers: [TokenController, RevocationController, IntrospectionController, MetadataController],
  providers: [IntrospectionService],
})
export class OAuthModule {}
