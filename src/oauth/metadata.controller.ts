import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../identity/decorators.js';
import { NoDatabase } from '../openapi/problems.js';
import { Config } from '../config/config.js';
import { ServerMetadata } from './dto.js';
import { serverMetadata } from './server-metadata.js';

@ApiTags('oauth')
@Controller('.well-known')
export class MetadataController {
  constructor(private readonly config: Config) {}

  @Public()
  @Get('oauth-authorization-server')
  @NoDatabase()
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({
    summary: 'What OAuth clients find this server by (RFC 8414)',
    description: 'Where ISSUER has a path, also at this address with that path behind it.',
  })
  @ApiOkResponse({ type: ServerMetadata })
  read(): ServerMetadata {
    return serverMetadata(this.config);
  }
}
