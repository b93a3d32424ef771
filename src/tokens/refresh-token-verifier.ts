import { Injectable } from '@nestjs/common';
import { Config } from '../config/config.js';
import { countClaim, idClaim, timeClaim } from './claims.js';
import { deriveHmacKeys, type HmacKeys } from './hmac-keys.js';
import { readKeyId, verifyHmac } from './jwt.js';
import { REFRESH_TOKEN } from './token-kinds.js';

/** The claims of a verified refresh token that the rules need. */
export interface PresentedRefreshToken {
  sessionId: string;
  userId: string;
  generation: number;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A refresh token of ours: what it presents, and its claims word for word. */
export interface VerifiedRefreshToken {
  presented: PresentedRefreshToken;
  claims: Record<string, unknown>;
}

/** Verifies refresh tokens, under the keys of all secrets in APP_SECRET. `TokenSigner` issues them under the first. */
@Injectable()
export class RefreshTokenVerifier {
  private readonly audience: string;
  private readonly keys: HmacKeys['byId'];

  constructor(private readonly config: Config) {
    this.audience = REFRESH_TOKEN.audience(config.issuer);
    this.keys = deriveHmacKeys(config.appSecrets, 'refresh').byId;
  }

  /** Verifies signature, header and claims. Null for anything else than a refresh token of ours, expired or not. */
  verify(token: string): VerifiedRefreshToken | null {
    const kid = readKeyId(token, REFRESH_TOKEN);
    const key = kid === null ? undefined : this.keys.get(kid);
    const claims = verifyHmac(token, key);
    const presented = claims && this.readClaims(claims);
    return presented && { presented, claims };
  }

  /** Null unless every claim is there and of its type. */
  private readClaims(payload: Record<string, unknown>): PresentedRefreshToken | null {
    if (payload['iss'] !== this.config.issuer || payload['aud'] !== this.audience) return null;
    const userId = idClaim(payload['sub']);
    const sessionId = idClaim(payload['sid']);
    const generation = countClaim(payload['gen']);
    const expiresAt = timeClaim(payload['exp']);
    if (!userId || !sessionId || !generation || !expiresAt || !timeClaim(payload['iat'])) return null;
    return { userId, sessionId, generation, expiresAt };
  }
}
