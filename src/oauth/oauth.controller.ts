import { Controller, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { TokenResponse } from '../auth/dto.js';
import { TokenIssuer } from '../auth/token-issuer.js';
import { credentialInBody, toRefreshProblem } from '../sessions/refresh-outcome.js';
import { RefreshService } from '../sessions/refresh.service.js';
import { RefreshTokenService } from '../tokens/refresh-token.service.js';
import { Public } from '../identity/decorators.js';
import { Problems } from '../openapi/problems.js';
import { Config } from '../config/config.js';
import { RevocationForm, TokenForm } from './dto.js';
import { readForm, required } from './form.js';
import { OAuthForm } from './oauth-form.js';
import { refuseOtherClients } from './public-client.js';
import { refreshTokenIn } from './token-request.js';
import { TokenRevocation } from './token-revocation.js';

@ApiTags('oauth')
@Controller('oauth')
export class OAuthController {
  constructor(
    private readonly config: Config,
    private readonly refreshes: RefreshService,
    private readonly refreshTokens: RefreshTokenService,
    private readonly issuer: TokenIssuer,
    private readonly revocation: TokenRevocation,
  ) {}

  @Public()
  @Post('token')
  @OAuthForm(TokenForm, {
    400: ['invalid_request', 'invalid_client', 'invalid_grant', 'unsupported_grant_type', 'invalid_scope'],
    401: ['invalid_client'],
  })
  @ApiOperation({
    summary: 'A new access token, and now and then a new refresh token (RFC 6749 section 6)',
    description: 'What POST /auth/refresh does, in the words of OAuth.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @Problems('refresh_busy')
  async token(@Req() request: FastifyRequest): Promise<TokenResponse> {
    const form = readForm(request);
    refuseOtherClients(request, form, this.config.clientId);
    const credential = credentialInBody(this.refreshTokens.verify(refreshTokenIn(form))?.presented);
    const outcome = await this.refreshes.refresh(credential);
    if (!('session' in outcome)) throw toRefreshProblem(outcome);
    return this.issuer.tokenResponse(outcome.session);
  }

  @Public()
  @Post('revoke')
  @OAuthForm(RevocationForm, { 400: ['invalid_request', 'invalid_client'], 401: ['invalid_client'] })
  @ApiOperation({
    summary: 'End the session of an access token or a refresh token (RFC 7009)',
    description: 'A text that is no token, or one that has ended already, is no error.',
  })
  @ApiOkResponse({ description: 'The token is worth nothing now.' })
  async revoke(@Req() request: FastifyRequest): Promise<void> {
    const form = readForm(request);
    refuseOtherClients(request, form, this.config.clientId);
    await this.revocation.revoke(required(form, 'token'));
  }
}
