import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hashingTicket } from '../auth/hashing-ticket.js';
import { KnownDevices } from '../auth/known-devices.js';
import { LimitRate } from '../http/limit-rate.js';
import { requestOrigin } from '../http/request-origin.js';
import { Public } from '../identity/decorators.js';
import { Problems } from '../openapi/problems.js';
import { SetsRefreshCookie } from '../openapi/refresh-cookie.js';
import { ChallengeOverSoftLimit } from '../proof-of-work/challenge-over-soft-limit.js';
import { ForgotPasswordDto, readProof, ResetPasswordDto } from './dto.js';
import { PasswordRecoveryService } from './password-recovery.service.js';
import { ResetMails } from './reset-mails.service.js';

/** The way back for those who forgot their password. A change of a known one: `auth/auth.controller.ts`. */
@ApiTags('accounts')
@Controller('auth/password')
export class PasswordController {
  constructor(
    private readonly mails: ResetMails,
    private readonly recovery: PasswordRecoveryService,
    private readonly devices: KnownDevices,
  ) {}

  @Public()
  @LimitRate('mail')
  @ChallengeOverSoftLimit('forgot-password')
  @Post('forgot')
  @HttpCode(202)
  @ApiOperation({ summary: 'Mail a link that sets a new password' })
  @ApiAcceptedResponse({ description: 'The response is the same whether or not the address has an account.' })
  @Problems('validation_failed', 'mail_not_configured')
  async forgot(@Body() { email, codeChallenge }: ForgotPasswordDto, @Req() request: FastifyRequest): Promise<void> {
    await this.mails.request(email, codeChallenge, requestOrigin(request));
  }

  @Public()
  @LimitRate('token')
  @Post('reset')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Set a new password by the link or the code of a mail',
    description: 'Revokes every session. A password that is rejected leaves the link valid.',
  })
  @ApiNoContentResponse({
    description:
      'The password is changed. Nobody is signed in by this. A browser that may use cookies is a known device.',
  })
  @SetsRefreshCookie(204)
  @Problems('validation_failed', 'password_rejected', 'one_time_token_invalid', 'hashing_busy')
  async reset(
    @Body() body: ResetPasswordDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const origin = requestOrigin(request);
    const user = await this.recovery.reset(readProof(body), body.newPassword, origin, hashingTicket(request));
    this.devices.remember(user, request, reply);
  }
}
