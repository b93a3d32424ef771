import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { OneTimeTokensModule } from '../one-time-tokens/one-time-tokens.module.js';
import { PasswordsModule } from '../passwords/passwords.module.js';
import { ChallengeGuard } from '../proof-of-work/challenge.guard.js';
import { ProofOfWorkModule } from '../proof-of-work/proof-of-work.module.js';
import { RateLimitGuard } from '../rate-limits/rate-limit.guard.js';
import { RateLimitsModule } from '../rate-limits/rate-limits.module.js';
import { RevocationsModule } from '../revocations/revocations.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { SigningKeysModule } from '../signing-keys/signing-keys.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { CookieSelector } from './cookies/cookie-selector.js';
import { CsrfProtection } from './cookies/csrf-protection.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';
import { CredentialChanges } from './credential-changes.js';
import { CredentialsService } from './credentials.service.js';
import { AccessGuard } from './guards/access.guard.js';
import { RecentAuthenticationGuard } from './guards/recent-authentication.guard.js';
import { RolesGuard } from './guards/roles.guard.js';
import { KnownDevices } from './known-devices.js';
import { LimitExemptions } from './limit-exemptions.js';
import { LoginMetrics } from './login-metrics.js';
import { OptionalCaller } from './optional-caller.js';
import { PasswordSignIn } from './password-sign-in.js';
import { AccessStrategy } from './strategies/access.strategy.js';
import { LocalStrategy } from './strategies/local.strategy.js';
import { RefreshStrategy } from './strategies/refresh.strategy.js';
import { TokenDelivery } from './token-delivery.js';
import { TokenIssuer } from './token-issuer.js';
import { VerifiedTokenCache } from './verified-token-cache.js';

@Module({
  imports: [
    AuditModule,
    OneTimeTokensModule,
    PassportModule,
    PasswordsModule,
    ProofOfWorkModule,
    RateLimitsModule,
    RevocationsModule,
    SessionsModule,
    SigningKeysModule,
    TokensModule,
    UsersModule,
  ],
  controllers: [AuthController],
  providers: [
    AuthService,
    CookieSelector,
    CredentialChanges,
    CredentialsService,
    CsrfProtection,
    KnownDevices,
    LimitExemptions,
    LoginMetrics,
    OptionalCaller,
    PasswordSignIn,
    RefreshCookies,
    TokenDelivery,
    TokenIssuer,
    VerifiedTokenCache,
    AccessStrategy,
    LocalStrategy,
    RefreshStrategy,
    // Every route of every module is guarded, in this order.
    { provide: APP_GUARD, useClass: RateLimitGuard },
    { provide: APP_GUARD, useClass: ChallengeGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RolesGuard },
    { provide: APP_GUARD, useClass: RecentAuthenticationGuard },
  ],
  exports: [
    AuthService,
    CredentialChanges,
    CredentialsService,
    CsrfProtection,
    KnownDevices,
    OptionalCaller,
    TokenDelivery,
    TokenIssuer,
  ],
})
export class AuthModule {}
