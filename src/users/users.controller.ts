import { Body, Controller, Get, Header, Patch } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../identity/decorators.js';
import type { Identity } from '../identity/identity.js';
import { Problems } from '../openapi/problems.js';
import { Problem } from '../problem/problem.js';
import { canonicalLocale, Profile, UpdateProfileDto } from './dto.js';
import type { User } from './user.entity.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@Controller('users/me')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'My profile' })
  @ApiOkResponse({ type: Profile })
  @Problems('session_revoked')
  async read(@CurrentUser() caller: Identity): Promise<Profile> {
    return Profile.from(existing(await this.users.findById(caller.userId), caller));
  }

  @Patch()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Change my name, or the language of my mails' })
  @ApiOkResponse({ type: Profile })
  @Problems('validation_failed')
  async update(@CurrentUser() caller: Identity, @Body() changes: UpdateProfileDto): Promise<Profile> {
    if (changes.name === undefined && changes.locale === undefined) return this.read(caller);
    const locale = changes.locale && canonicalLocale(changes.locale);
    const user = await this.users.update(caller.userId, { ...changes, ...(locale !== undefined && { locale }) });
    return Profile.from(existing(user, caller));
  }
}

/** A user that is gone has no sessions either. */
function existing(user: User | null, { sessionId }: Identity): User {
  if (!user) throw new Problem('session_revoked', { sessionId, reason: 'unknown_user' });
  return user;
}
