import { Controller, Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import { CurrentUser } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { Problem } from '../problem/problem.js';
import { EndSessionsQuery, SessionView } from './dto.js';
import { SessionsService } from './sessions.service.js';

@ApiTags('sessions')
@Controller('sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'My sessions: where I am signed in' })
  @ApiOkResponse({ type: [SessionView] })
  async list(@CurrentUser() caller: Identity): Promise<SessionView[]> {
    const sessions = await this.sessions.list(caller.userId);
    return sessions.map((session) => SessionView.from(session, caller.sessionId));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'End one of my sessions' })
  @ApiParam({ name: 'id', format: 'uuid' })
  @ApiNoContentResponse({ description: 'Its tokens are refused from now on.' })
  @Problems('not_found')
  async end(@CurrentUser() caller: Identity, @Param('id') id: string): Promise<void> {
    // Somebody else's session, an ended one and no session at all look the same (OWASP ASVS 5.0 8.2.2).
    const ended = isUUID(id) && (await this.sessions.end(id.toLowerCase(), caller.userId, 'ended_by_user'));
    if (!ended) throw new Problem('not_found');
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'End all my sessions, or all others' })
  @ApiNoContentResponse({ description: 'Their tokens are refused from now on.' })
  @Problems('validation_failed')
  async endAll(@CurrentUser() caller: Identity, @Query() query: EndSessionsQuery): Promise<void> {
    const except = query.except === 'current' ? caller.sessionId : undefined;
    await this.sessions.revokeAllForUser(caller.userId, 'ended_by_user', except);
  }
}
