import { Controller, Get, HttpCode, Module, Post } from '@nestjs/common';
import { ApiNoContentResponse } from '@nestjs/swagger';
import { LimitRate } from '../../../src/http/limit-rate.js';
import { Public } from '../../../src/identity/decorators.js';

/** Routes of a team with limits. */
@Public()
@Controller('limited')
class LimitedController {
  @LimitRate('mail')
  @Post('mail')
  @HttpCode(204)
  @ApiNoContentResponse()
  mail(): void {}

  @LimitRate('password')
  @Get('broken')
  broken(): void {
    throw new Error('a bug');
  }
}

@Module({ controllers: [LimitedController] })
export class LimitedModule {}
