import { BadRequestException, Body, ConflictException, Controller, Get, Module, Post } from '@nestjs/common';
import { ApiConflictResponse, ApiCreatedResponse, ApiProperty } from '@nestjs/swagger';
import { Validate, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { CurrentUser, Public, Roles } from '../../../src/identity/decorators.js';
import type { Identity } from '../../../src/identity/identity.js';
import { Problems } from '../../../src/openapi/problems.js';

/** A controller that a team adds, without any guard of its own. */
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
    throw new ConflictException('Another request was faster.');
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

/** An asynchronous validation rule, for instance a uniqueness check in a database. */
@ValidatorConstraint({ async: true })
class IsFree implements ValidatorConstraintInterface {
  async validate(name: string): Promise<boolean> {
    await new Promise(setImmediate);
    return name !== 'taken';
  }
  defaultMessage(): string {
    return 'This name is taken.';
  }
}

class NewTeam {
  @ApiProperty()
  @Validate(IsFree)
  name: string;
}

@Controller('teams')
class TeamsController {
  @Post()
  @Problems('validation_failed')
  @ApiCreatedResponse()
  found(@Body() { name }: NewTeam): { name: string } {
    return { name };
  }
}

@Module({ controllers: [TeamsController, TeamController, LobbyController, VaultController] })
export class TeamModule {}
