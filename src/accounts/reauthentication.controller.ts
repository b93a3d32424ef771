import { Body, Controller, Header, HttpCode, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { CredentialsService } from '../auth/credentials.service.js';
import { TokenResponse } from '../auth/dto.js';
import { hashingTicket } from '../auth/hashing-ticket.js';
import { TokenIssuer } from '../auth/token-issuer.js';
import { LimitRate } from '../http/limit-rate.js';
import { requestOrigin } from '../http/request-origin.js';
import { CurrentUser } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { Problem } from '../problem/problem.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { PasswordDto } from './dto.js';

@ApiTags('accounts')
@Controller('auth/reauthenticate')
export class ReauthenticationController {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionsService,
    private readonly issuer: TokenIssuer,
  ) {}

  @LimitRate('password')
  @Post()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Authenticate again in the same session',
    description:
      'For routes that respond reauthentication_required. The tokens are of the same session, with a new auth_time.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @Problems('validation_failed', 'current_password_wrong', 'hashing_busy')
  async reauthenticate(
    @CurrentUser() caller: Identity,
    @Body() { password }: PasswordDto,
    @Req() request: FastifyRequest,
  ): Promise<TokenResponse> {
    await this.credentials.verifyCaller(caller, password, hashingTicket(request));
    const session = await this.sessions.reauthenticate(caller, requestOrigin(request));
    if (!session) throw new Problem('session_revoked', { sessionId: caller.sessionId });
    return this.issuer.tokenResponse(session);
  }
}
