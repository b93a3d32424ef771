import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Jwt } from 'jsonwebtoken';
import { Strategy } from 'passport-jwt';
import { presentedRefreshToken } from '../cookies/selected-cookie.js';
import { RefreshTokenService, type PresentedRefreshToken } from '../../tokens/refresh-token.service.js';

/** Is it a refresh token of ours? What it is worth is for the session's rules to say. */
@Injectable()
export class RefreshStrategy extends PassportStrategy(Strategy, 'refresh') {
  constructor(private readonly tokens: RefreshTokenService) {
    super({
      jwtFromRequest: presentedRefreshToken,
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: unknown, key?: never) => void) => {
        const key = tokens.keyFor(token);
        done(key ? null : new Error('not a refresh token'), key as never);
      },
      ...tokens.checks,
      jsonWebTokenOptions: { complete: true },
    });
  }

  validate({ payload }: Jwt): PresentedRefreshToken | false {
    return this.tokens.read(payload) ?? false;
  }
}
