import { Injectable } from '@nestjs/common';
import { AccessTokenService, type VerifiedAccessToken } from './access-token.service.js';
import { RefreshTokenService, type VerifiedRefreshToken } from './refresh-token.service.js';

/** Which of our kinds a text is. A token says so itself, so `token_type_hint` is not needed (RFC 7009 section 2.1). */
@Injectable()
export class TokenVerifier {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly refreshTokens: RefreshTokenService,
  ) {}

  /** Null of a text that is no token of ours. */
  read(token: string): { access: VerifiedAccessToken } | { refresh: VerifiedRefreshToken } | null {
    const access = this.accessTokens.verify(token);
    if (access) return { access };
    const refresh = this.refreshTokens.verify(token);
    return refresh && { refresh };
  }
}
