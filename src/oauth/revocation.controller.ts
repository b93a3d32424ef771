import { Controller, Post, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { AuthService } from '../auth/auth.service.js';
import type { OwnedSession } from '../auth/requests.js';
import { Config } from '../config/config.js';
import { LimitRate } from '../http/limit-rate.js';
import { setLogSubject } from '../http/request-log.js';
import { requestOrigin } from '../http/request-origin.js';
import { Public } from '../identity/decorators.js';
import { AccessTokenVerifier } from '../tokens/access-token-verifier.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { assertPublicClient } from './client-authentication.js';
import { CLIENT_ID, OAuthForm, readForm, required, TOKEN_TYPE_HINT } from './oauth-form.js';

/** RFC 7009 section 2.2 leaves the body open. Some clients parse it as JSON, and fail when it is empty. */
const EMPTY_OBJECT = { type: 'object', additionalProperties: false };

export class RevocationForm {
  @ApiProperty({ minLength: 1, description: 'An access token, or a refresh token of any generation.' }) token: string;
  @ApiPropertyOptional(TOKEN_TYPE_HINT) token_type_hint?: string;
  @ApiPropertyOptional(CLIENT_ID) client_id?: string;
}

@ApiTags('oauth')
@Controller('oauth')
export class RevocationController {
  constructor(
    private readonly config: Config,
    private readonly tokens: TokenVerifier,
    private readonly accessTokens: AccessTokenVerifier,
    private readonly auth: AuthService,
  ) {}

  @Public()
  @LimitRate('token')
  @Post('revoke')
  @OAuthForm(RevocationForm, { 400: ['invalid_request', 'invalid_client'], 401: ['invalid_client'] })
  @ApiOperation({
    summary: 'Revoke the session of an access token or a refresh token (RFC 7009)',
    description: 'Idempotent. A text that is no token of this server, or an expired one, is no error.',
  })
  @ApiOkResponse({ description: 'The token is not valid, or not any more.', schema: EMPTY_OBJECT })
  async revoke(@Req() request: FastifyRequest): Promise<Record<string, never>> {
    const form = readForm(request);
    assertPublicClient(request, form, this.config);
    const session = this.sessionOf(required(form, 'token'));
    if (session) {
      setLogSubject(request, session);
      await this.auth.logout({ session, tokens: [] }, requestOrigin(request));
    }
    return {};
  }

  /** Null for a text that is no token of ours, and for an access token that has expired. */
  private sessionOf(token: string): OwnedSession | null {
    const known = this.tokens.verify(token);
    if (!known) return null;
    // Of any generation: to revoke an old one is no replay.
    if ('refresh' in known) return known.refresh.presented;
    const { identity } = known.access;
    return this.accessTokens.whyOutOfTime(identity) ? null : identity;
  }
}
