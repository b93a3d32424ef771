import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Public } from '../common/auth/decorators.js';
import { Clock } from '../common/clock.js';
import { NoDatabase, Problems } from '../common/openapi/problems.js';
import { Problem } from '../common/problem/problem.js';
import { Database } from '../database/database.js';
import { RevocationMemory } from '../sessions/revocation-memory.js';

/** The rotation rules compare times that different processes wrote. */
const MAX_CLOCK_SKEW_MS = 5000;

class Health {
  @ApiProperty({ enum: ['ok'] }) status: 'ok';
}

class Readiness {
  @ApiProperty({
    enum: ['ok', 'degraded'],
    description: 'degraded: what other processes end is not heard of; guarded requests read the database meanwhile.',
  })
  status: 'ok' | 'degraded';
}

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly memory: RevocationMemory,
  ) {}

  @Public()
  @Get('live')
  @Header('Cache-Control', 'no-store')
  @NoDatabase()
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({ type: Health })
  live(): Health {
    return { status: 'ok' };
  }

  @Public()
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'The process can serve: the database answers, and their clocks agree' })
  @ApiOkResponse({ type: Readiness })
  @Problems('not_ready')
  async ready(): Promise<Readiness> {
    const skew = await this.database.clockSkew(() => this.clock.now());
    if (Math.abs(skew) > MAX_CLOCK_SKEW_MS) {
      throw new Problem('not_ready', { detail: `The clock is ${skew} ms away from the database's.` });
    }
    return { status: this.memory.isTrusted ? 'ok' : 'degraded' };
  }
}
