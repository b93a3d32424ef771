import { Controller, Get, Module } from '@nestjs/common';
import { Public } from '../../../src/identity/decorators.js';

/** A controller of a team, with bugs. */
@Public()
@Controller('broken')
class BrokenController {
  @Get('error')
  error(): void {
    throw Object.assign(new Error('secret text'), { statusCode: 404, code: 'E_SECRET', detail: 'secret text' });
  }

  @Get('rejection')
  rejection(): Promise<never> {
    return Promise.reject('secret text'); // oxlint-disable-line prefer-promise-reject-errors
  }

  @Get('nothing')
  nothing(): void {
    throw undefined; // oxlint-disable-line no-throw-literal
  }
}

@Module({ controllers: [BrokenController] })
export class BrokenModule {}
