import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { PasswordsModule } from '../passwords/passwords.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { CookieSelector } from './cookies/cookie-selector.js';
import { CookieSignIn } from './cookies/cookie-sign-in.js';
import { CsrfProtection } from './cookies/csrf-protection.js';
import { RefreshCookies } from './cookies/refresh-cookies.js';
import { CredentialsService } from './credentials.service.js';
import { TokenDelivery } from './token-delivery.js';
import { AccessGuard } from './guards/access.guard.js';
import { RolesGuard } from './guards/roles.guard.js';
import { SignInMetrics } from './sign-in-metrics.js';
import { AccessStrategy } from './strategies/access.strategy.js';
import { LocalStrategy } from './strategies/local.strategy.js';
import { RefreshStrategy } from './strategies/refresh.strategy.js';
import { RefreshExchange } from './refresh-exchange.js';
import { TokenResponses } from './token-responses.js';
import { VerifiedTokenCache } from './verified-token-cache.js';

@Module({
  imports: [PassportModule, PasswordsModule, SessionsModule, TokensModule, UsersModule],
  controllers: [AuthController],
  providers: [
    AuthService,
    CookieSelector,
    CookieSignIn,
    CredentialsService,
    CsrfProtection,
    TokenDelivery,
    RefreshCookies,
    RefreshExchange,
    SignInMetrics,
    TokenResponses,
    VerifiedTokenCache,
    AccessStrategy,
    LocalStrategy,
    RefreshStrategy,
    // Every route of every module is guarded, in this order.
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_GUARD, useClass: RolesGuard },
  ],
  exports: [AuthService, RefreshExchange, TokenResponses],
})
export class AuthModule {}
