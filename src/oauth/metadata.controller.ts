import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { Config } from '../config/config.js';
import { withoutOrigin } from '../http/request-target.js';
import { Public } from '../identity/decorators.js';
import { NoDatabase } from '../openapi/problems.js';
import { GRANT_TYPE } from './token.controller.js';

const WELL_KNOWN = '/.well-known/oauth-authorization-server';

/**
 * RFC 8414 section 2. There is no `response_types_supported`, as there is no authorization endpoint, and section 3.2
 * allows no empty lists.
 */
export class ServerMetadata {
  @ApiProperty({ format: 'uri', description: 'ISSUER: iss of every token.' }) issuer: string;
  @ApiProperty({ format: 'uri' }) token_endpoint: string;
  @ApiProperty({ format: 'uri' }) revocation_endpoint: string;
  @ApiPropertyOptional({ format: 'uri', description: 'Only with INTROSPECTION_CLIENTS.' })
  introspection_endpoint?: string;
  @ApiProperty({ format: 'uri' }) jwks_uri: string;
  @ApiProperty({ enum: [GRANT_TYPE], isArray: true }) grant_types_supported: string[];
  @ApiProperty({ enum: ['none'], isArray: true }) token_endpoint_auth_methods_supported: string[];
  @ApiProperty({ enum: ['none'], isArray: true }) revocation_endpoint_auth_methods_supported: string[];
  @ApiPropertyOptional({ enum: ['client_secret_basic'], isArray: true })
  introspection_endpoint_auth_methods_supported?: string[];
}

@ApiTags('oauth')
@Controller()
export class MetadataController {
  constructor(private readonly config: Config) {}

  @Public()
  @Get(WELL_KNOWN)
  @NoDatabase()
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({
    summary: 'Authorization server metadata (RFC 8414)',
    description: 'If ISSUER has a path, also at this address followed by that path.',
  })
  @ApiOkResponse({ type: ServerMetadata })
  read(): ServerMetadata {
    const { issuer, introspectionClients } = this.config;
    return {
      issuer,
      token_endpoint: `${issuer}/oauth/token`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      grant_types_supported: [GRANT_TYPE],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      ...(introspectionClients.length > 0 && {
        introspection_endpoint: `${issuer}/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
      }),
    };
  }
}

/**
 * RFC 8414 section 3.1 puts the path of an issuer behind the well-known part. For Fastify's `rewriteUrl`: rewrites that
 * address to the one of the route. Undefined where ISSUER has no path.
 */
export function wellKnownAlias(issuer: string): ((request: { url?: string | undefined }) => string) | undefined {
  const { pathname } = new URL(issuer);
  if (pathname === '/') return undefined;
  const alias = WELL_KNOWN + pathname;
  return ({ url = '/' }) => {
    const path = withoutOrigin(url);
    return path.split('?', 1)[0] === alias ? WELL_KNOWN + path.slice(alias.length) : url;
  };
}
