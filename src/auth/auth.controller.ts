import { Body, Controller, Get, Header, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Public } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { setLogSubject } from '../http/request-log.js';
import { requestOrigin } from '../http/request-origin.js';
import { AlsoForm } from '../http/also-form.js';
import { LimitRate } from '../http/limit-rate.js';
import { Problems } from '../openapi/problems.js';
import { ChallengeOverSoftLimit } from '../proof-of-work/challenge-over-soft-limit.js';
import { SetsRefreshCookie } from '../openapi/refresh-cookie.js';
import { OptionalSecurity } from '../openapi/security-schemes.js';
import { RefreshService } from '../sessions/refresh.service.js';
import type { LiveSession } from '../sessions/session-row.js';
import { AuthService } from './auth.service.js';
import { deviceOf } from './device.js';
import {
  ChangePasswordDto,
  LoginDto,
  LoginFormDto,
  LogoutDto,
  RefreshDto,
  RefreshFormDto,
  TokenResponse,
  WhoAmI,
} from './dto.js';
import { LocalGuard } from './guards/local.guard.js';
import { LogoutGuard } from './guards/logout.guard.js';
import { RefreshGuard } from './guards/refresh.guard.js';
import { hashingTicket } from './hashing-ticket.js';
import { LoginMetrics } from './login-metrics.js';
import { accountOf } from '../users/email.js';
import type { LoginRequest, LogoutRequest, RefreshRequest } from './requests.js';
import { TokenDelivery } from './token-delivery.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly refreshes: RefreshService,
    private readonly delivery: TokenDelivery,
    private readonly loginMetrics: LoginMetrics,
  ) {}

  @Public()
  @UseGuards(LocalGuard)
  @LimitRate('password')
  @ChallengeOverSoftLimit('login')
  @Post('login')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Sign in with e-mail address and password' })
  @ApiBody({ type: LoginDto })
  @AlsoForm(LoginFormDto)
  @ApiOkResponse({ type: TokenResponse })
  @SetsRefreshCookie(200)
  @Problems('validation_failed', 'invalid_credentials', 'hashing_busy', 'cross_site_request')
  async login(@Req() request: LoginRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<TokenResponse> {
    const session = await this.loginMetrics.count(this.signIn(request));
    return this.delivery.startSession(session, accountOf(request.body.email), request, reply);
  }

  private async signIn(request: LoginRequest): Promise<LiveSession> {
    const { loginCredential: credential } = request;
    if (credential.kind === 'rejected') throw credential.error;
    return this.auth.login(credential, deviceOf(request, credential.delivery));
  }

  @Public()
  @UseGuards(RefreshGuard)
  @LimitRate('token')
  @Post('refresh')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'A new access token, and at intervals a new refresh token',
    description: 'Idempotent: the same refresh token gets the same response until its successor was used.',
  })
  @ApiBody({ type: RefreshDto })
  @AlsoForm(RefreshFormDto)
  @ApiOkResponse({ type: TokenResponse })
  @OptionalSecurity('cookie')
  @SetsRefreshCookie(200, 401)
  @Problems('validation_failed', 'refresh_token_missing', 'refresh_token_invalid', 'refresh_token_reused')
  @Problems('session_revoked', 'session_expired', 'refresh_busy', 'refresh_token_ambiguous', 'cross_site_request')
  async refresh(
    @Req() request: RefreshRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    const outcome = await this.refreshes.refresh(request.refreshCredential, requestOrigin(request));
    return this.delivery.refreshed(outcome, request, reply);
  }

  @Public()
  @UseGuards(LogoutGuard)
  @LimitRate('token')
  @Post('logout')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Revoke the session of the access token, of the refresh token, or of both',
    description: 'Idempotent: a session that is revoked already is no error.',
  })
  @ApiBody({ type: LogoutDto, required: false })
  @ApiNoContentResponse({ description: 'The session is revoked.' })
  @OptionalSecurity('password', 'bearer', 'cookie')
  @SetsRefreshCookie(204, 401)
  @Problems('validation_failed', 'access_token_missing', 'access_token_invalid', 'access_token_expired')
  @Problems('refresh_token_invalid', 'cross_site_request')
  async logout(@Req() request: LogoutRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const { logoutCredential: credential } = request;
    if (credential.kind === 'rejected') this.delivery.refuse(credential, reply);
    const sessions = await this.auth.logout(credential, requestOrigin(request));
    setLogSubject(request, sessions[0]!);
    const ids = sessions.map(({ sessionId }) => sessionId);
    this.delivery.clear(ids, request, reply);
  }

  @Get('whoami')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'What the access token says',
    description: 'Reads no database while the revocation cache is in sync.',
  })
  @ApiOkResponse({ type: WhoAmI })
  whoAmI(@CurrentUser() caller: Identity): WhoAmI {
    return WhoAmI.from(caller);
  }

  @LimitRate('password')
  @Post('password')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Change my password', description: 'Revokes every session, and starts a new one.' })
  @ApiOkResponse({ type: TokenResponse })
  @SetsRefreshCookie(200)
  @Problems('validation_failed', 'password_rejected', 'current_password_wrong', 'hashing_busy')
  async changePassword(
    @CurrentUser() caller: Identity,
    @Body() passwords: ChangePasswordDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    const { session, user } = await this.auth.changePassword(
      caller,
      passwords,
      deviceOf(request),
      hashingTicket(request),
    );
    const response = this.delivery.issueTokensToDevice(session, user.emailCanonical, request, reply);
    this.delivery.clear([caller.sessionId], request, reply);
    return response;
  }
}
