import { Injectable } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Clock } from '../clock/clock.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { RefreshService } from '../sessions/refresh.service.js';
import { SessionWriteBuffer } from '../sessions/session-write-buffer.js';
import type { VerifiedAccessToken } from '../tokens/access-token-verifier.js';
import type { VerifiedRefreshToken } from '../tokens/refresh-token-verifier.js';
import { TokenVerifier } from '../tokens/token-verifier.js';

const SECONDS = { type: 'integer', minimum: 1 } as const;

/** RFC 7662 section 2.2. The response about a token that is not active has no other member. */
export class IntrospectionResponse {
  @ApiProperty({ description: 'Whether this server would accept it now.' }) active: boolean;
  @ApiPropertyOptional({ enum: ['Bearer'], description: 'Only of access tokens.' }) token_type?: 'Bearer';
  @ApiPropertyOptional({ format: 'uri' }) iss?: string;
  @ApiPropertyOptional({ format: 'uri' }) aud?: string;
  @ApiPropertyOptional({ format: 'uuid', description: 'The user.' }) sub?: string;
  @ApiPropertyOptional() client_id?: string;
  @ApiPropertyOptional({ ...SECONDS, description: 'Seconds since the epoch.' }) iat?: number;
  @ApiPropertyOptional({
    ...SECONDS,
    description: 'Seconds since the epoch. Of a refresh token: when it expires unless it is used before.',
  })
  exp?: number;
  @ApiPropertyOptional({ format: 'uuid' }) jti?: string;
  @ApiPropertyOptional({ format: 'uuid', description: 'The session.' }) sid?: string;
  @ApiPropertyOptional({ ...SECONDS, description: 'The refresh generation.' }) gen?: number;
  @ApiPropertyOptional({ ...SECONDS, description: 'Grows when roles, password or status of the user change.' })
  ver?: number;
  @ApiPropertyOptional({ type: [String] }) roles?: string[];
  @ApiPropertyOptional({ ...SECONDS, description: 'When the user last authenticated.' }) auth_time?: number;
}

type Claims = Record<string, unknown>;
type ClaimName = keyof IntrospectionResponse;

const REFRESH_CLAIMS: ClaimName[] = ['iss', 'aud', 'sub', 'iat', 'exp', 'sid', 'gen'];
const ACCESS_CLAIMS: ClaimName[] = [...REFRESH_CLAIMS, 'client_id', 'jti', 'ver', 'roles', 'auth_time'];

@Injectable()
export class IntrospectionService {
  constructor(
    private readonly tokens: TokenVerifier,
    private readonly revocations: RevocationsService,
    private readonly writeBuffer: SessionWriteBuffer,
    private readonly refreshes: RefreshService,
    private readonly clock: Clock,
  ) {}

  async introspect(token: string): Promise<IntrospectionResponse> {
    const known = this.tokens.verify(token);
    if (known && 'access' in known) return this.introspectAccess(known.access);
    if (known && 'refresh' in known) return this.introspectRefresh(known.refresh);
    return { active: false };
  }

  /** As in `AccessGuard`, an accepted access token acknowledges its generation: its holder received the response. */
  private async introspectAccess({ identity, claims }: VerifiedAccessToken): Promise<IntrospectionResponse> {
    if (await this.revocations.whyRefused(identity)) return { active: false };
    this.writeBuffer.acknowledge(identity.sessionId, identity.generation);
    return { active: true, token_type: 'Bearer', ...pick(claims, ACCESS_CLAIMS) };
  }

  /** `exp` of a refresh token is the absolute limit of its session. The idle limit can come before. */
  private async introspectRefresh({ presented, claims }: VerifiedRefreshToken): Promise<IntrospectionResponse> {
    if (this.clock.now() >= presented.expiresAt) return { active: false };
    const idleExpiresAt = await this.refreshes.idleExpiryIfRefreshable(presented);
    if (idleExpiresAt === null) return { active: false };
    const exp = Math.ceil(Math.min(presented.expiresAt, idleExpiresAt) / 1000);
    return { active: true, ...pick(claims, REFRESH_CLAIMS), exp };
  }
}

function pick(claims: object, names: ClaimName[]): Claims {
  return Object.fromEntries(names.map((name) => [name, (claims as Claims)[name]]));
}
