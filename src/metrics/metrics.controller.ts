import { Controller, Get, Header, Res, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { LimitRate } from '../http/limit-rate.js';
import { Public } from '../identity/decorators.js';
import { Metrics } from './metrics.js';
import { NoDatabase, Problems } from '../openapi/problems.js';
import { OptionalSecurity } from '../openapi/security-schemes.js';
import { MetricsGuard } from './metrics.guard.js';
import { processMetrics } from './process-metrics.js';

@ApiTags('metrics')
@Controller('metrics')
export class MetricsController {
  private readonly process = processMetrics();

  constructor(private readonly metrics: Metrics) {}

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
  read(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const all = Registry.merge([this.metrics.registry, this.process]);
    void reply.type(all.contentType);
    return all.metrics();
  }
}
