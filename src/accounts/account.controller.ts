import { Body, Controller, Get, Header, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CredentialsService } from '../auth/credentials.service.js';
import { hashingTicket } from '../auth/hashing-ticket.js';
import { TokenDelivery } from '../auth/token-delivery.js';
import { LimitRate } from '../http/limit-rate.js';
import { requestOrigin } from '../http/request-origin.js';
import { CurrentUser, RecentAuthentication } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { SetsRefreshCookie } from '../openapi/refresh-cookie.js';
import { Problem } from '../problem/problem.js';
import { AccountDeletionService } from './account-deletion.service.js';
import { AccountExport } from './account-export.js';
import { AccountExportService } from './account-export.service.js';
import { PasswordDto } from './dto.js';

@ApiTags('accounts')
@RecentAuthentication()
@Controller('users/me')
export class AccountController {
  constructor(
    private readonly credentials: CredentialsService,
    private readonly deletion: AccountDeletionService,
    private readonly exports: AccountExportService,
    private readonly delivery: TokenDelivery,
  ) {}

  @LimitRate('password')
  @Post('deletion')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete my account',
    description: 'All my tokens are refused at once. There is no way back.',
  })
  @ApiNoContentResponse({ description: 'The account is deleted with everything that belongs to it.' })
  @SetsRefreshCookie(204)
  @Problems('validation_failed', 'current_password_wrong', 'hashing_busy')
  async delete(
    @CurrentUser() caller: Identity,
    @Body() { password }: PasswordDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const user = await this.credentials.verifyCaller(caller, password, hashingTicket(request));
    const isDeleted = await this.deletion.delete(user, caller.sessionId, requestOrigin(request));
    if (!isDeleted) throw new Problem('current_password_wrong');
    this.delivery.clear([caller.sessionId], request, reply);
  }

  @Get('export')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Everything that is stored about me' })
  @ApiOkResponse({ type: AccountExport })
  export(@CurrentUser() caller: Identity): Promise<AccountExport> {
    return this.exports.export(caller);
  }
}
