import { Controller, Post, Req, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { LimitRate } from '../http/limit-rate.js';
import { Public } from '../identity/decorators.js';
import { IntrospectionGuard } from './client-authentication.js';
import { IntrospectionResponse, IntrospectionService } from './introspection.service.js';
import { OAuthForm, readForm, required, TOKEN_TYPE_HINT } from './oauth-form.js';

export class IntrospectionForm {
  @ApiProperty({ minLength: 1, description: 'An access token or a refresh token.' }) token: string;
  @ApiPropertyOptional(TOKEN_TYPE_HINT) token_type_hint?: string;
}

@ApiTags('oauth')
@Controller('oauth')
export class IntrospectionController {
  constructor(private readonly introspection: IntrospectionService) {}

  // Public, as it takes no access token: its own guard asks for the credentials of a client.
  @Public()
  @LimitRate('token')
  @UseGuards(IntrospectionGuard)
  @Post('introspect')
  @OAuthForm(IntrospectionForm, { 400: ['invalid_request'], 401: ['invalid_client'] })
  @ApiSecurity('client')
  @ApiOperation({
    summary: 'Whether a token is active, and its claims (RFC 7662)',
    description: 'For the services of INTROSPECTION_CLIENTS, with HTTP Basic.',
  })
  @ApiOkResponse({ type: IntrospectionResponse })
  introspect(@Req() request: FastifyRequest): Promise<IntrospectionResponse> {
    return this.introspection.introspect(required(readForm(request), 'token'));
  }
}
