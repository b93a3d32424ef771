import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Public } from '../identity/decorators.js';
import { NoDatabase, Problems } from '../openapi/problems.js';
import { Problem } from '../problem/problem.js';
import { DatabaseClock } from '../database/database-clock.js';
import { RevocationCache } from '../revocations/revocation-cache.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

class Health {
  @ApiProperty({ enum: ['ok'] }) status: 'ok';
}

class Readiness {
  @ApiProperty({
    enum: ['ok', 'degraded'],
    description:
      'degraded: the revocation feed is interrupted, and guarded requests read the database meanwhile; or the signing ' +
      'keys could not be read for a minute.',
  })
  status: 'ok' | 'degraded';
}

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly clock: DatabaseClock,
    private readonly revocations: RevocationCache,
    private readonly keys: SigningKeysService,
  ) {}

  @Public()
  @Get('live')
  @Header('Cache-Control', 'no-store')
  @NoDatabase()
  @ApiOperation({ summary: 'Liveness' })
  @ApiOkResponse({ type: Health })
  live(): Health {
    return { status: 'ok' };
  }

  @Public()
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Readiness: the database responds, and its clock agrees with that of the process' })
  @ApiOkResponse({ type: Readiness })
  @Problems('not_ready')
  async ready(): Promise<Readiness> {
    const detail = await this.clock.whyNotAgreed();
    if (detail) throw new Problem('not_ready', { detail });
    return { status: this.revocations.isFresh && this.keys.areCurrent ? 'ok' : 'degraded' };
  }
}
