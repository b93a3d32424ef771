import { Controller, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { TokenResponse } from '../auth/dto.js';
import { TokenIssuer } from '../auth/token-issuer.js';
import { Config } from '../config/config.js';
import { LimitRate } from '../http/limit-rate.js';
import { setLogSubject } from '../http/request-log.js';
import { requestOrigin } from '../http/request-origin.js';
import { Public } from '../identity/decorators.js';
import { Problems } from '../openapi/problems.js';
import { RateLimits } from '../rate-limits/rate-limits.service.js';
import { credentialInBody, toRefreshProblem } from '../sessions/refresh-outcome.js';
import { RefreshService } from '../sessions/refresh.service.js';
import { RefreshTokenVerifier } from '../tokens/refresh-token-verifier.js';
import { assertPublicClient } from './client-authentication.js';
import { OAuthError } from './oauth-error.js';
import { CLIENT_ID, OAuthForm, readForm, required, type Form } from './oauth-form.js';

export const GRANT_TYPE = 'refresh_token';

export class TokenForm {
  @ApiProperty({ enum: [GRANT_TYPE] }) grant_type: typeof GRANT_TYPE;
  @ApiProperty({ minLength: 1, description: 'The newest one that this client has received.' }) refresh_token: string;
  @ApiPropertyOptional(CLIENT_ID) client_id?: string;
  @ApiPropertyOptional({ maxLength: 0, description: 'There are no scopes.' }) scope?: string;
}

@ApiTags('oauth')
@Controller('oauth')
export class TokenController {
  constructor(
    private readonly config: Config,
    private readonly refreshTokens: RefreshTokenVerifier,
    private readonly refreshes: RefreshService,
    private readonly issuer: TokenIssuer,
    private readonly limits: RateLimits,
  ) {}

  @Public()
  @LimitRate('token')
  @Post('token')
  @OAuthForm(TokenForm, {
    400: ['invalid_request', 'invalid_client', 'invalid_grant', 'unsupported_grant_type', 'invalid_scope'],
    401: ['invalid_client'],
  })
  @ApiOperation({
    summary: 'A new access token, and now and then a new refresh token (RFC 6749 section 6)',
    description: 'The same as POST /auth/refresh, for OAuth clients.',
  })
  @ApiOkResponse({ type: TokenResponse })
  @Problems('refresh_busy')
  async exchange(@Req() request: FastifyRequest): Promise<TokenResponse> {
    const form = readForm(request);
    assertPublicClient(request, form, this.config);
    const credential = credentialInBody(this.refreshTokens.verify(refreshTokenIn(form))?.presented);
    if (credential.kind === 'tokens') {
      await this.limits.consumeRefresh(credential.tokens.map(({ sessionId }) => sessionId));
    }
    const outcome = await this.refreshes.refresh(credential, requestOrigin(request));
    if (!('session' in outcome)) {
      if ('sessionId' in outcome) setLogSubject(request, outcome);
      throw toRefreshProblem(outcome);
    }
    setLogSubject(request, { userId: outcome.session.userId, sessionId: outcome.session.id });
    return this.issuer.tokenResponse(outcome.session);
  }
}

/** Throws `invalid_request`, `unsupported_grant_type` and, as there are no scopes to ask for, `invalid_scope`. */
function refreshTokenIn(form: Form): string {
  if (required(form, 'grant_type') !== GRANT_TYPE) {
    throw new OAuthError('unsupported_grant_type', 'The only grant_type is refresh_token.');
  }
  const token = required(form, 'refresh_token');
  if (form['scope'] !== undefined) throw new OAuthError('invalid_scope', 'There are no scopes.');
  return token;
}
