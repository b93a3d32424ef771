import { Body, Controller, Header, HttpStatus, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CsrfProtection } from '../auth/cookies/csrf-protection.js';
import { deviceOf } from '../auth/device.js';
import { TokenResponse } from '../auth/dto.js';
import { hashingTicket } from '../auth/hashing-ticket.js';
import { TokenDelivery } from '../auth/token-delivery.js';
import { LimitRate } from '../http/limit-rate.js';
import { Public } from '../identity/decorators.js';
import { Problems } from '../openapi/problems.js';
import { ChallengeOverSoftLimit } from '../proof-of-work/challenge-over-soft-limit.js';
import { SetsRefreshCookie } from '../openapi/refresh-cookie.js';
import { accountOf } from '../users/email.js';
import { RegisterDto } from './dto.js';
import { preferredLanguage } from './preferred-language.js';
import { RegistrationService } from './registration.service.js';

@ApiTags('accounts')
@Controller('auth')
export class RegistrationController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly delivery: TokenDelivery,
    private readonly csrf: CsrfProtection,
  ) {}

  @Public()
  @LimitRate('register')
  @ChallengeOverSoftLimit('register')
  @Post('register')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Make an account, and sign in',
    description:
      'With EMAIL_VERIFICATION=required it mails a link instead, and responds 202 whether or not the address has an account.',
  })
  @ApiCreatedResponse({ type: TokenResponse })
  @ApiAcceptedResponse({ description: 'A mail is on its way. The account exists when its link, or its code, is used.' })
  @SetsRefreshCookie(201)
  @Problems('validation_failed', 'password_rejected', 'email_taken', 'hashing_busy', 'cross_site_request')
  async register(
    @Body() body: RegisterDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse | undefined> {
    this.csrf.assertSignIn(request, body.delivery);
    const registration = { ...body, locale: body.locale ?? preferredLanguage(request) };
    const device = deviceOf(request, body.delivery);
    const session = await this.registrations.register(registration, device, hashingTicket(request));
    if (!session) {
      void reply.status(HttpStatus.ACCEPTED);
      return undefined;
    }
    return this.delivery.startSession(session, accountOf(body.email), request, reply);
  }
}
