import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Jwt } from 'jsonwebtoken';
import { Strategy } from 'passport-jwt';
import type { Identity } from '../../identity/identity.js';
import { AccessTokenService } from '../../tokens/access-token.service.js';
import { VerifiedTokenCache } from '../verified-token-cache.js';
import { bearerToken } from '../../http/bearer-token.js';

/**
 * Is it an access token of ours? Its header is looked at first, then its signature, then every claim. Whether it may
 * still be used is the guard's question: `RevocationsService.whyRefused`.
 */
@Injectable()
export class AccessStrategy extends PassportStrategy(Strategy, 'access') {
  constructor(
    private readonly tokens: AccessTokenService,
    private readonly verified: VerifiedTokenCache,
  ) {
    super({
      jwtFromRequest: bearerToken,
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: unknown, key?: never) => void) => {
        const key = tokens.keyFor(token);
        done(key ? null : new Error('not an access token'), key as never);
      },
      ...tokens.checks,
      jsonWebTokenOptions: { complete: true },
      passReqToCallback: true,
    });
  }

  validate(request: unknown, { payload }: Jwt): Identity | false {
    const identity = this.tokens.read(payload);
    if (!identity) return false;
    this.verified.remember(request, identity);
    return identity;
  }
}
