import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { OAUTH_ERRORS, type OAuthErrorCode } from './oauth-error.js';

const CLIENT_ID = { description: 'CLIENT_ID, or nothing.' };
const HINT = { description: 'Ignored: a token says itself what it is.' };

export class TokenForm {
  @ApiProperty({ enum: ['refresh_token'] }) grant_type: 'refresh_token';
  @ApiProperty({ minLength: 1, description: 'The newest one this client was given.' }) refresh_token: string;
  @ApiPropertyOptional(CLIENT_ID) client_id?: string;
  @ApiPropertyOptional({ maxLength: 0, description: 'There are none.' }) scope?: string;
}

export class RevocationForm {
  @ApiProperty({ minLength: 1, description: 'An access token, or a refresh token of any generation.' }) token: string;
  @ApiPropertyOptional(HINT) token_type_hint?: string;
  @ApiPropertyOptional(CLIENT_ID) client_id?: string;
}

export class IntrospectionForm {
  @ApiProperty({ minLength: 1, description: 'An access token or a refresh token.' }) token: string;
  @ApiPropertyOptional(HINT) token_type_hint?: string;
}

export class OAuthErrorResponse {
  @ApiProperty({ enum: OAUTH_ERRORS }) error: OAuthErrorCode;
  @ApiProperty({ pattern: '^[ !#-\\[\\]-~]+$', description: 'For the developer who reads it.' })
  error_description: string;
}

export class ServerMetadata {
  @ApiProperty({ format: 'uri', description: 'ISSUER: iss of every token.' }) issuer: string;
  @ApiProperty({ format: 'uri' }) token_endpoint: string;
  @ApiProperty({ format: 'uri' }) revocation_endpoint: string;
  @ApiPropertyOptional({ format: 'uri', description: 'Where INTROSPECTION_CLIENTS names any.' })
  introspection_endpoint?: string;
  @ApiProperty({ format: 'uri' }) jwks_uri: string;
  @ApiProperty({ enum: ['refresh_token'], isArray: true }) grant_types_supported: string[];
  @ApiProperty({ enum: ['none'], isArray: true }) token_endpoint_auth_methods_supported: string[];
  @ApiProperty({ enum: ['none'], isArray: true }) revocation_endpoint_auth_methods_supported: string[];
  @ApiPropertyOptional({ enum: ['client_secret_basic'], isArray: true })
  introspection_endpoint_auth_methods_supported?: string[];
}
