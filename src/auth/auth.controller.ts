import { Body, Controller, Get, Header, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CurrentUser, Public } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { AlsoForm } from '../http/also-form.js';
import { Problems } from '../openapi/problems.js';
import { SetsRefreshCookie } from '../openapi/refresh-cookie.js';
import { OptionalSecurity } from '../openapi/security-schemes.js';
import type { SessionDelivery } from '../sessions/session.entity.js';
import type { Device } from '../sessions/sessions.service.js';
import type { PresentedRefreshToken } from '../tokens/refresh-token.service.js';
import type { User } from '../users/user.entity.js';
import { AuthService } from './auth.service.js';
import { CookieSignIn } from './cookies/cookie-sign-in.js';
import { TokenDelivery } from './token-delivery.js';
import {
  ChangePasswordDto,
  LoginDto,
  LoginFormDto,
  LogoutDto,
  RefreshDto,
  RegisterDto,
  TokenResponse,
  WhoAmI,
} from './dto.js';
import { LocalGuard } from './guards/local.guard.js';
import { LogoutGuard, type Ending } from './guards/logout.guard.js';
import { RefreshGuard } from './guards/refresh.guard.js';
import { RefreshExchange } from './refresh-exchange.js';
import { SignInMetrics } from './sign-in-metrics.js';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly refreshes: RefreshExchange,
    private readonly delivery: TokenDelivery,
    private readonly cookieSignIn: CookieSignIn,
    private readonly signIns: SignInMetrics,
  ) {}

  @Public()
  @Post('register')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Make an account, and sign in' })
  @ApiCreatedResponse({ type: TokenResponse })
  @SetsRefreshCookie(201)
  @Problems('validation_failed', 'password_rejected', 'email_taken', 'hashing_busy', 'cross_site_request')
  async register(
    @Body() wanted: RegisterDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    this.cookieSignIn.check(request, wanted);
    return this.delivery.startSession(await this.auth.register(wanted, deviceOf(request, wanted)), request, reply);
  }

  @Public()
  @UseGuards(LocalGuard)
  @Post('login')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Sign in with e-mail address and password' })
  @ApiBody({ type: LoginDto })
  @AlsoForm(LoginFormDto)
  @ApiOkResponse({ type: TokenResponse })
  @SetsRefreshCookie(200)
  @Problems('validation_failed', 'invalid_credentials', 'hashing_busy', 'cross_site_request')
  async login(
    @Req() request: FastifyRequest & { user: User; body: LoginDto },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    const replaced = this.cookieSignIn.replacedBy(request, request.body);
    const login = this.auth.login(request.user, deviceOf(request, request.body), replaced);
    return this.delivery.startSession(await this.signIns.last(login), request, reply);
  }

  @Public()
  @UseGuards(RefreshGuard)
  @Post('refresh')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'A new access token, and now and then a new refresh token',
    description: 'Safe to repeat: the same refresh token gets the same answer until its successor was used.',
  })
  @ApiBody({ type: RefreshDto })
  @AlsoForm(RefreshDto)
  @ApiOkResponse({ type: TokenResponse })
  @OptionalSecurity('cookie')
  @SetsRefreshCookie(200, 401)
  @Problems('validation_failed', 'refresh_token_missing', 'refresh_token_invalid', 'refresh_token_reused')
  @Problems('session_revoked', 'session_expired', 'refresh_busy', 'refresh_token_ambiguous', 'cross_site_request')
  async refresh(
    @Req() request: FastifyRequest & { user: PresentedRefreshToken },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    return this.delivery.handRefreshed(await this.refreshes.exchange(request.user), request, reply);
  }

  @Public()
  @UseGuards(LogoutGuard)
  @Post('logout')
  @HttpCode(204)
  @Header('Clear-Site-Data', '"cache"')
  @ApiOperation({
    summary: 'End the session of the access token, of the refresh token, or of both',
    description: 'Ending a session that has ended is no error.',
  })
  @ApiBody({ type: LogoutDto, required: false })
  @ApiNoContentResponse({ description: 'The session has ended.' })
  @OptionalSecurity('password', 'bearer', 'cookie')
  @SetsRefreshCookie(204, 401)
  @Problems('validation_failed', 'access_token_missing', 'access_token_invalid', 'access_token_expired')
  @Problems('refresh_token_invalid', 'cross_site_request')
  async logout(
    @Req() request: FastifyRequest & { user: Ending[] },
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.auth.logout(request.user);
    const ended = request.user.map(({ sessionId }) => sessionId);
    this.delivery.clear(ended, request, reply);
  }

  @Get('whoami')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'What the access token says',
    description: 'Reads no database, but while it is not heard what other processes end.',
  })
  @ApiOkResponse({ type: WhoAmI })
  whoAmI(@CurrentUser() caller: Identity): WhoAmI {
    return WhoAmI.from(caller);
  }

  @Post('password')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Change my password', description: 'Ends every session from before, and begins a new one.' })
  @ApiOkResponse({ type: TokenResponse })
  @SetsRefreshCookie(200)
  @Problems('validation_failed', 'password_rejected', 'current_password_wrong', 'hashing_busy')
  async changePassword(
    @CurrentUser() caller: Identity,
    @Body() passwords: ChangePasswordDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    const session = await this.auth.changePassword(caller, passwords, deviceOf(request, {}));
    const answer = this.delivery.issueTokens(session, reply);
    this.delivery.clear([caller.sessionId], request, reply);
    return answer;
  }
}

function deviceOf(request: FastifyRequest, { delivery = 'body' }: { delivery?: SessionDelivery }): Device {
  // A client that has gone has no address any more.
  return { ip: String(request.ip ?? '').slice(0, 45), userAgent: request.headers['user-agent'] ?? '', delivery };
}
