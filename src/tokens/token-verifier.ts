import { Injectable } from '@nestjs/common';
import { AccessTokenService, type VerifiedAccessToken } from './access-token.service.js';
import { RefreshTokenService, type VerifiedRefreshToken } from './refresh-token.service.js';

/** Verifies a token whose kind the caller does not know: the header says it (RFC 7009 section 2.1). */
@Injectable()
export class TokenVerifier {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly refreshTokens: RefreshTokenService,
  ) {}

  /** Null for a text that is no token of ours. */
  verify(token: string): { access: VerifiedAccessToken } | { refresh: VerifiedRefreshToken } | null {
    const access = this.accessTokens.verify(token);
    if (access) return { access };
    const refresh = this.refreshTokens.verify(token);
    return refresh && { refresh };
  }
}
