import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import type { Jwt } from 'jsonwebtoken';
import { Strategy } from 'passport-jwt';
import { readBearerToken } from '../../http/bearer-token.js';
import type { Identity } from '../../identity/identity.js';
import { AccessTokenVerifier } from '../../tokens/access-token-verifier.js';

/**
 * Verifies an access token: its header first, then its signature, then every claim. Expiry and revocation are checked by
 * `AccessGuard`.
 */
@Injectable()
export class AccessStrategy extends PassportStrategy(Strategy, 'access') {
  constructor(private readonly tokens: AccessTokenVerifier) {
    super({
      jwtFromRequest: (request: unknown) => {
        const bearer = readBearerToken(request as FastifyRequest);
        return bearer.kind === 'token' ? bearer.token : null;
      },
      secretOrKeyProvider: (_request: unknown, token: string, done: (error: unknown, key?: never) => void) => {
        const key = tokens.keyFor(token);
        done(key ? null : new Error('not an access token'), key as never);
      },
      ...tokens.checks,
      jsonWebTokenOptions: { complete: true },
    });
  }

  validate({ payload }: Jwt): Identity | false {
    return this.tokens.readClaims(payload) ?? false;
  }
}
