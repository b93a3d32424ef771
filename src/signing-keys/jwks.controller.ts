import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Public } from '../identity/decorators.js';
import { NoDatabase } from '../openapi/problems.js';
import { KEY_SET_MAX_AGE_SECONDS } from './key-schedule.js';
import { SigningKeysService, type PublicJwk } from './signing-keys.service.js';

const BASE64URL_32_BYTES = { pattern: '^[A-Za-z0-9_-]{43}$' };

class PublicKey implements PublicJwk {
  @ApiProperty({ enum: ['EC'] }) kty: 'EC';
  @ApiProperty({ enum: ['P-256'] }) crv: 'P-256';
  @ApiProperty(BASE64URL_32_BYTES) x: string;
  @ApiProperty(BASE64URL_32_BYTES) y: string;
  @ApiProperty({ ...BASE64URL_32_BYTES, description: 'RFC 7638 thumbprint' }) kid: string;
  @ApiProperty({ enum: ['ES256'] }) alg: 'ES256';
  @ApiProperty({ enum: ['sig'] }) use: 'sig';
}

class KeySet {
  @ApiProperty({ type: [PublicKey] }) keys: PublicKey[];
}

@ApiTags('keys')
@Controller('.well-known')
export class JwksController {
  constructor(private readonly keys: SigningKeysService) {}

  @Public()
  @Get('jwks.json')
  @NoDatabase()
  @Header('Cache-Control', `public, max-age=${KEY_SET_MAX_AGE_SECONDS}`)
  @ApiOperation({ summary: 'The public keys of access tokens (RFC 7517)' })
  @ApiOkResponse({ type: KeySet })
  read(): KeySet {
    return { keys: this.keys.publicKeys() };
  }
}
