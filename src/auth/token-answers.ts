import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import type { LiveSession } from '../sessions/session-row.js';
import { AccessTokens } from '../tokens/access-tokens.js';
import { RefreshTokens } from '../tokens/refresh-tokens.js';
import { TokenAnswer } from './dto.js';

/** Makes of a living session what its client is given. */
@Injectable()
export class TokenAnswers {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
    private readonly clock: Clock,
  ) {}

  for(session: LiveSession): TokenAnswer {
    const ends = Math.min(session.expiresAt, session.idleExpiresAt);
    const grant = { sessionId: session.id, userId: session.userId, generation: session.generation };
    const access = this.accessTokens.issue({
      ...grant,
      ver: session.ver,
      roles: session.roles,
      authTime: session.createdAt,
      notAfter: ends,
    });
    return {
      access_token: access.token,
      token_type: 'Bearer',
      expires_in: access.expiresIn,
      refresh_token: this.refreshTokens.issue({ ...grant, rotatedAt: session.rotatedAt, expiresAt: session.expiresAt }),
      refresh_expires_in: Math.max(0, Math.floor((ends - this.clock.now()) / 1000)),
      session_id: session.id,
    };
  }
}
