import { Controller, Post, Req, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public } from '../identity/decorators.js';
import { IntrospectionForm } from './dto.js';
import { readForm, required } from './form.js';
import { IntrospectionResponse } from './introspection-response.js';
import { IntrospectionGuard } from './introspection.guard.js';
import { Introspection } from './introspection.js';
import { OAuthForm } from './oauth-form.js';

@ApiTags('oauth')
@Controller('oauth')
export class IntrospectionController {
  constructor(private readonly introspection: Introspection) {}

  // Open to whoever has no access token: the guard asks for something else.
  @Public()
  @UseGuards(IntrospectionGuard)
  @Post('introspect')
  @OAuthForm(IntrospectionForm, { 400: ['invalid_request'], 401: ['invalid_client'] })
  @ApiSecurity('client')
  @ApiOperation({
    summary: 'Whether a token is alive, and what it says (RFC 7662)',
    description: 'For the services of INTROSPECTION_CLIENTS, with HTTP Basic.',
  })
  @ApiOkResponse({ type: IntrospectionResponse })
  introspect(@Req() request: FastifyRequest): Promise<IntrospectionResponse> {
    return this.introspection.introspect(required(readForm(request), 'token'));
  }
}
