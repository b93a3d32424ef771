import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { SecurityEventPage, SecurityEventsQuery } from './dto.js';
import { EventListService } from './event-list.service.js';

const DEFAULT_LIMIT = 20;

@ApiTags('users')
@Controller('users/me/security-events')
export class SecurityEventsController {
  constructor(private readonly events: EventListService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'What happened to my account, newest first' })
  @ApiOkResponse({ type: SecurityEventPage })
  @Problems('validation_failed')
  async list(@CurrentUser() caller: Identity, @Query() query: SecurityEventsQuery): Promise<SecurityEventPage> {
    const page = await this.events.page(caller.userId, query.limit ?? DEFAULT_LIMIT, query.cursor);
    return SecurityEventPage.from(page, caller.sessionId);
  }
}
