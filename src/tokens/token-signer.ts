import { Injectable } from '@nestjs/common';
import { v4 as uuidv4 } from 'uuid';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import type { Identity } from '../identity/identity.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';
import { deriveHmacKeys, type HmacKeys } from './hmac-keys.js';
import { signJwt, type SigningKey } from './jwt.js';
import { ACCESS_TOKEN, REFRESH_TOKEN, type TokenKind } from './token-kinds.js';

/** What an access token is made from. Times in milliseconds since the epoch. */
type AccessGrant = Omit<Identity, 'expiresAt' | 'issuedAt'> & {
  /** The token expires at this time at the latest. */
  notAfter: number;
};

/** What a refresh token is computed from: the row of its session, and nothing more. */
interface RefreshGrant {
  sessionId: string;
  userId: string;
  generation: number;
  /** Milliseconds since the epoch, as is `expiresAt`. */
  rotatedAt: number;
  expiresAt: number;
}

/** Signs the tokens of sessions. */
@Injectable()
export class TokenSigner {
  private readonly refreshKey: HmacKeys['signer'];

  constructor(
    private readonly config: Config,
    private readonly signingKeys: SigningKeysService,
    private readonly clock: Clock,
  ) {
    this.refreshKey = deriveHmacKeys(config.appSecrets, 'refresh').signer;
  }

  /**
   * A JWT as RFC 9068 profiles it, plus `sid`, `gen`, `ver`, `roles` and `auth_time`.
   *
   * @returns the token, and its lifetime in whole seconds
   */
  accessToken(grant: AccessGrant): { token: string; expiresIn: number } {
    const now = this.clock.now();
    const iat = Math.floor(now / 1000);
    const exp = Math.floor(Math.min(now + this.config.accessTokenTtlMs, grant.notAfter) / 1000);
    const { kid, privateKey } = this.signingKeys.signer;
    const claims = {
      sub: grant.userId,
      client_id: this.config.clientId,
      jti: uuidv4(),
      sid: grant.sessionId,
      gen: grant.generation,
      ver: grant.tokenVersion,
      roles: grant.roles,
      auth_time: Math.floor(grant.authTime / 1000),
      iat,
      exp,
    };
    return { token: this.sign(ACCESS_TOKEN, { kid, key: privateKey }, claims), expiresIn: Math.max(0, exp - iat) };
  }

  /**
   * A JWT under a key that HKDF derives from APP_SECRET: the same string each time for the same row, under one secret. So the
   * newest token of a session can be issued again at any time, and a copy of the database is not enough to forge one.
   */
  refreshToken(grant: RefreshGrant): string {
    return this.sign(REFRESH_TOKEN, this.refreshKey, {
      sub: grant.userId,
      sid: grant.sessionId,
      gen: grant.generation,
      iat: Math.floor(grant.rotatedAt / 1000),
      exp: Math.ceil(grant.expiresAt / 1000),
    });
  }

  private sign(kind: TokenKind, key: SigningKey, claims: object): string {
    const { issuer } = this.config;
    return signJwt(kind, key, { iss: issuer, aud: kind.audience(issuer), ...claims });
  }
}
