import { BadRequestException, ConflictException, Controller, Get, Module, Post } from '@nestjs/common';
import { ApiConflictResponse } from '@nestjs/swagger';
import { CurrentUser, Public, Roles } from '../../src/common/auth/decorators.js';
import type { Identity } from '../../src/common/auth/identity.js';
import { Problems } from '../../src/common/openapi/problems.js';

/** A controller as a team adds it, with nothing done to guard it. */
@Controller('team')
class TeamController {
  @Get()
  guarded(@CurrentUser() caller: Identity): Identity {
    return caller;
  }
  @Post()
  act(): { done: boolean } {
    return { done: true };
  }
  @Public()
  @Get('open')
  open(): { open: boolean } {
    return { open: true };
  }
  @Get('conflict')
  @ApiConflictResponse()
  conflict(): never {
    throw new ConflictException('Somebody else was faster.');
  }
  @Post('bad')
  @Problems('request_refused')
  bad(): never {
    throw new BadRequestException('There is no colour 7.');
  }
  @Post('promote-me')
  promote(@CurrentUser() caller: Identity): void {
    (caller.roles as string[]).push('admin');
  }
  @Roles('admin')
  @Get('admin')
  admin(): { secret: string } {
    return { secret: 'for admins' };
  }
  @Roles('editor', 'admin')
  @Get('either')
  either(): { secret: string } {
    return { secret: 'for editors and admins' };
  }
}

@Public()
@Controller('lobby')
class LobbyController {
  @Get()
  open(): { open: boolean } {
    return { open: true };
  }
  @Roles('admin')
  @Get('contradiction')
  contradiction(): { secret: string } {
    return { secret: 'for admins' };
  }
}

@Roles('admin')
@Controller('vault')
class VaultController {
  @Get()
  read(): { secret: string } {
    return { secret: 'for admins' };
  }
}

@Module({ controllers: [TeamController, LobbyController, VaultController] })
export class TeamModule {}
