import { Controller, Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
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
  async revoke(@CurrentUser() caller: Identity, @Param('id') id: string): Promise<void> {
    // The session of another user, a revoked one and an unknown one look the same (OWASP ASVS 5.0 8.2.2).
    const revoked = isUUID(id) && (await this.sessions.revoke(id.toLowerCase(), caller.userId, 'ended_by_user'));
    if (!revoked) throw new Problem('not_found');
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke all my sessions, or all others' })
  @ApiNoContentResponse({ description: 'The sessions are revoked. Their tokens are refused from now on.' })
  @Problems('validation_failed')
  async revokeAll(@CurrentUser() caller: Identity, @Query() query: RevokeSessionsQuery): Promise<void> {
    const except = query.except === 'current' ? caller.sessionId : undefined;
    await this.sessions.revokeAllForUser(caller.userId, 'ended_by_user', except);
  }
}
