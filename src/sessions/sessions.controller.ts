import { Controller, Delete, Get, Header, HttpCode, Param, Query, Req } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { requestOrigin } from '../http/request-origin.js';
import { CurrentUser } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { Problem } from '../problem/problem.js';
import { RevokeSessionsQuery, SessionView } from './dto.js';
import { SessionsService } from './sessions.service.js';

@ApiTags('sessions')
@Controller('sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List my sessions' })
  @ApiOkResponse({ type: [SessionView] })
  async list(@CurrentUser() caller: Identity): Promise<SessionView[]> {
    const sessions = await this.sessions.findAlive(caller.userId);
    return sessions.map((session) => SessionView.from(session, caller.sessionId));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke one of my sessions' })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiNoContentResponse({ description: 'The session is revoked. Its tokens are refused from now on.' })
  @Problems('not_found')
  async revoke(
    @CurrentUser() caller: Identity,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    // The session of another user, a revoked one and an unknown one look the same (OWASP ASVS 5.0 8.2.2).
    const revoked = isUUID(id) && (await this.sessions.revokeOwn(id.toLowerCase(), caller, requestOrigin(request)));
    if (!revoked) throw new Problem('not_found');
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke all my sessions, or all others' })
  @ApiNoContentResponse({ description: 'The sessions are revoked. Their tokens are refused from now on.' })
  @Problems('validation_failed')
  async revokeAll(
    @CurrentUser() caller: Identity,
    @Query() query: RevokeSessionsQuery,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const which = query.except === 'current' ? 'others' : 'all';
    await this.sessions.revokeAllOwn(caller, which, requestOrigin(request));
  }
}
