import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type { LiveSession } from '../sessions/session-row.js';
import { AccessTokenService } from '../tokens/access-token.service.js';
import { RefreshTokenService } from '../tokens/refresh-token.service.js';
import { TokenResponse } from './dto.js';

/** Makes of a living session what its client is given. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly refreshTokens: RefreshTokenService,
    private readonly clock: Clock,
  ) {}

  refreshTokenOf({ id, userId, generation, rotatedAt, expiresAt }: LiveSession): string {
    return this.refreshTokens.issue({ sessionId: id, userId, generation, rotatedAt, expiresAt });
  }

  /** In cookie delivery without the refresh token, by whatever route: scripts are not to see it. */
  for(session: LiveSession): TokenResponse {
    const ends = Math.min(session.expiresAt, session.idleExpiresAt);
    const access = this.accessTokens.issue({
      sessionId: session.id,
      userId: session.userId,
      generation: session.generation,
      ver: session.ver,
      roles: session.roles,
      authTime: session.createdAt,
      notAfter: ends,
    });
    return {
      access_token: access.token,
      token_type: 'Bearer',
      expires_in: access.expiresIn,
      ...(session.delivery === 'body' && { refresh_token: this.refreshTokenOf(session) }),
      refresh_expires_in: Math.max(0, Math.floor((ends - this.clock.now()) / 1000)),
      session_id: session.id,
    };
  }
}
