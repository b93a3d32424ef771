import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { hashingTicket } from '../auth/hashing-ticket.js';
import { OptionalCaller } from '../auth/optional-caller.js';
import { LimitRate } from '../http/limit-rate.js';
import { requestOrigin } from '../http/request-origin.js';
import { CurrentUser, Public, RecentAuthentication } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { OptionalSecurity } from '../openapi/security-schemes.js';
import { ChangeEmailDto, MailRequestDto, OneTimeProofDto, readProof, UndoEmailChangeDto } from './dto.js';
import { EmailChangeRequests } from './email-change-requests.service.js';
import { EmailChangeService } from './email-change.service.js';
import { EmailVerificationService } from './email-verification.service.js';
import { VerificationMails } from './verification-mails.service.js';

@ApiTags('accounts')
@Controller('auth/email')
export class EmailController {
  constructor(
    private readonly verification: EmailVerificationService,
    private readonly verificationMails: VerificationMails,
    private readonly changes: EmailChangeService,
    private readonly changeRequests: EmailChangeRequests,
    private readonly callers: OptionalCaller,
  ) {}

  @LimitRate('mail')
  @Post('verification')
  @HttpCode(202)
  @ApiOperation({ summary: 'Mail me a link that verifies my address' })
  @ApiAcceptedResponse({ description: 'A mail is on its way, unless the address is verified already.' })
  @Problems('validation_failed', 'mail_not_configured')
  async requestVerification(@CurrentUser() caller: Identity, @Body() body: MailRequestDto): Promise<void> {
    await this.verificationMails.request(caller, body.codeChallenge);
  }

  @Public()
  @LimitRate('token')
  @Post('verify')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Verify an address by the link or the code of a mail',
    description:
      'The first proof of a mailbox removes the password and the sessions of an account from before, unless it comes with a code or an access token of the account.',
  })
  @ApiNoContentResponse({ description: 'The address is verified. Nobody is signed in by this.' })
  @OptionalSecurity('bearer')
  @Problems('validation_failed', 'one_time_token_invalid')
  @Problems('access_token_invalid', 'access_token_expired', 'access_token_outdated', 'session_revoked')
  async verify(@Body() body: OneTimeProofDto, @Req() request: FastifyRequest): Promise<void> {
    const proof = readProof(body);
    await this.verification.verify(proof, await this.callers.find(request), requestOrigin(request));
  }

  @RecentAuthentication()
  @LimitRate('password', 'mail')
  @Post('change')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Change my address',
    description: 'It changes when the new mailbox confirms. The old one is told, and can undo it for seven days.',
  })
  @ApiAcceptedResponse({ description: 'Both addresses get a mail. The response is the same for a taken address.' })
  @Problems('validation_failed', 'current_password_wrong', 'hashing_busy', 'mail_not_configured')
  async requestChange(
    @CurrentUser() caller: Identity,
    @Body() body: ChangeEmailDto,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.changeRequests.request(caller, body, requestOrigin(request), hashingTicket(request));
  }

  @Public()
  @LimitRate('token')
  @Post('change/confirm')
  @HttpCode(204)
  @ApiOperation({ summary: 'Confirm a new address by the link or the code of its mail' })
  @ApiNoContentResponse({ description: 'The account has the new address. Sessions stay as they are.' })
  @Problems('validation_failed', 'one_time_token_invalid', 'email_taken')
  async confirmChange(@Body() body: OneTimeProofDto, @Req() request: FastifyRequest): Promise<void> {
    await this.changes.confirm(readProof(body), requestOrigin(request));
  }

  @Public()
  @LimitRate('token')
  @Post('change/undo')
  @HttpCode(204)
  @ApiOperation({ summary: 'Undo a change of address by the link in the mail to the old one' })
  @ApiNoContentResponse({ description: 'The account has its old address again, and all its sessions are revoked.' })
  @Problems('validation_failed', 'one_time_token_invalid', 'email_taken')
  async undoChange(@Body() { token }: UndoEmailChangeDto, @Req() request: FastifyRequest): Promise<void> {
    await this.changes.undo(token, requestOrigin(request));
  }
}
