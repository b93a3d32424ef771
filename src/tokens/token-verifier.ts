import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier, type VerifiedAccessToken } from './access-token-verifier.js';
import { RefreshTokenVerifier, type VerifiedRefreshToken } from './refresh-token-verifier.js';

/** Verifies a token whose kind the caller does not know: the header says it (RFC 7009 section 2.1). */
@Injectable()
export class TokenVerifier {
  constructor(
    private readonly accessTokens: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokenVerifier,
  ) {}

  /** Null for a text that is no token of ours. */
  verify(token: string): { access: VerifiedAccessToken } | { refresh: VerifiedRefreshToken } | null {
    const access = this.accessTokens.verify(token);
    if (access) return { access };
    const refresh = this.refreshTokens.verify(token);
    return refresh && { refresh };
  }
}
