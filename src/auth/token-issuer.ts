import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import type { LiveSession } from '../sessions/session-row.js';
import { TokenSigner } from '../tokens/token-signer.js';
import { TokenResponse } from './dto.js';

/** Issues the tokens of a session that is alive. */
@Injectable()
export class TokenIssuer {
  constructor(
    private readonly signer: TokenSigner,
    private readonly clock: Clock,
  ) {}

  /** In cookie delivery without the refresh token, on every route: scripts must not see it. */
  tokenResponse(session: LiveSession): TokenResponse {
    const notAfter = Math.min(session.expiresAt, session.idleExpiresAt);
    const access = this.signer.accessToken({
      sessionId: session.id,
      userId: session.userId,
      generation: session.generation,
      tokenVersion: session.tokenVersion,
      roles: session.roles,
      authTime: session.authenticatedAt,
      notAfter,
    });
    return {
      access_token: access.token,
      token_type: 'Bearer',
      expires_in: access.expiresIn,
      ...(session.delivery === 'body' && { refresh_token: this.refreshToken(session) }),
      refresh_expires_in: Math.max(0, Math.floor((notAfter - this.clock.now()) / 1000)),
      session_id: session.id,
    };
  }

  refreshToken({ id, userId, generation, rotatedAt, expiresAt }: LiveSession): string {
    return this.signer.refreshToken({ sessionId: id, userId, generation, rotatedAt, expiresAt });
  }
}
