import { Injectable } from '@nestjs/common';
import { AccessTokens, type VerifiedAccessToken } from './access-token.service.js';
import { RefreshTokens, type VerifiedRefreshToken } from './refresh-token.service.js';

/** Which of our kinds a text is. A token says so itself, so `token_type_hint` is not needed (RFC 7009 section 2.1). */
@Injectable()
export class KnownTokens {
  constructor(
    private readonly accessTokens: AccessTokens,
    private readonly refreshTokens: RefreshTokens,
  ) {}

  /** Null of a text that is no token of ours. */
  read(token: string): { access: VerifiedAccessToken } | { refresh: VerifiedRefreshToken } | null {
    const access = this.accessTokens.verify(token);
    if (access) return { access };
    const refresh = this.refreshTokens.verify(token);
    return refresh && { refresh };
  }
}
