import { Controller, Get, Header, Res, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { LimitRate } from '../http/limit-rate.js';
import { Public } from '../identity/decorators.js';
import { NoDatabase, Problems } from '../openapi/problems.js';
import { OptionalSecurity } from '../openapi/security-schemes.js';
import { MetricsGuard } from './metrics.guard.js';
import { MetricsScrape } from './metrics-scrape.js';

@ApiTags('metrics')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly scrape: MetricsScrape) {}

  /** Open to callers without an access token: a scraper has a token of its own. */
  @Public()
  @LimitRate('token')
  @UseGuards(MetricsGuard)
  @Get()
  @Header('Cache-Control', 'no-store')
  @NoDatabase()
  @ApiOperation({
    summary: 'Numbers for Prometheus',
    description: 'In production only with METRICS_TOKEN; where it is not set there, the route does not exist.',
  })
  @ApiOkResponse({
    description: 'In the text format of Prometheus.',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  @OptionalSecurity('metrics')
  @Problems('metrics_token_wrong')
  async read(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const all = await this.scrape.read();
    void reply.type(all.contentType);
    return all.metrics();
  }
}
