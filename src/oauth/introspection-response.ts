import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

type Claims = Record<string, unknown>;

const ACCESS_CLAIMS = [
  'iss',
  'aud',
  'sub',
  'client_id',
  'iat',
  'exp',
  'jti',
  'sid',
  'gen',
  'ver',
  'roles',
  'auth_time',
];
const REFRESH_CLAIMS = ['iss', 'aud', 'sub', 'iat', 'exp', 'sid', 'gen'];
const SECONDS = { type: 'integer', minimum: 1 } as const;

/** RFC 7662 section 2.2: what the token says. Of one that is not active, nothing but that. */
export class IntrospectionResponse {
  @ApiProperty({ description: 'Whether it would be let in here now.' }) active: boolean;
  @ApiPropertyOptional({ enum: ['Bearer'], description: 'Of an access token alone.' }) token_type?: 'Bearer';
  @ApiPropertyOptional({ format: 'uri' }) iss?: string;
  @ApiPropertyOptional({ format: 'uri' }) aud?: string;
  @ApiPropertyOptional({ format: 'uuid', description: 'The user.' }) sub?: string;
  @ApiPropertyOptional() client_id?: string;
  @ApiPropertyOptional({ ...SECONDS, description: 'Seconds since the epoch.' }) iat?: number;
  @ApiPropertyOptional({ ...SECONDS, description: 'Likewise; of a refresh token: its end unless it is used before.' })
  exp?: number;
  @ApiPropertyOptional({ format: 'uuid' }) jti?: string;
  @ApiPropertyOptional({ format: 'uuid', description: 'The session.' }) sid?: string;
  @ApiPropertyOptional({ ...SECONDS, description: 'The refresh generation.' }) gen?: number;
  @ApiPropertyOptional({ ...SECONDS, description: 'Grows when roles, password or status of the user change.' })
  ver?: number;
  @ApiPropertyOptional({ type: [String] }) roles?: string[];
  @ApiPropertyOptional({ ...SECONDS, description: 'When the person last proved who they are.' }) auth_time?: number;

  static ofAccessToken(claims: Claims): IntrospectionResponse {
    return { active: true, token_type: 'Bearer', ...pick(claims, ACCESS_CLAIMS) };
  }

  /** The token itself knows the end of its session alone; `idleEnd`, in milliseconds since the epoch, may come before. */
  static ofRefreshToken(claims: Claims, idleEnd: number): IntrospectionResponse {
    const exp = Math.min(claims['exp'] as number, Math.ceil(idleEnd / 1000));
    return { active: true, ...pick(claims, REFRESH_CLAIMS), exp };
  }
}

function pick(claims: Claims, names: string[]): Claims {
  return Object.fromEntries(names.map((name) => [name, claims[name]]));
}
