import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { CLOCK_TOLERANCE_MS } from './access-token-lifetime.js';
import { idClaim, textClaim, timeClaim } from './claims.js';
import { deriveHmacKeys, type HmacKeys } from './hmac-keys.js';
import { readKeyId, signJwt, verifyHmac } from './jwt.js';
import { DEVICE_TOKEN } from './token-kinds.js';

/** The longest that browsers keep a cookie. */
export const DEVICE_TOKEN_TTL_MS = 400 * 86_400_000;

/** A device on which a user has signed in. */
export interface KnownDevice {
  userId: string;
  deviceId: string;
  /** `PasswordThrottle.accountKey` of the user's address: found without a look-up of the account. */
  accountKey: string;
  /** Milliseconds since the epoch. */
  issuedAt: number;
}

/**
 * Device tokens: JWTs under HMAC-SHA-256, which say that a user has signed in on a device. They authenticate nobody: a
 * sign-in with one has a budget of its own for wrong passwords (OWASP "device cookie").
 */
@Injectable()
export class DeviceTokenService {
  private readonly audience: string;
  private readonly keys: HmacKeys;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    this.audience = DEVICE_TOKEN.audience(config.issuer);
    this.keys = deriveHmacKeys(config.appSecrets, 'device');
  }

  issue({ userId, deviceId, accountKey }: Omit<KnownDevice, 'issuedAt'>): string {
    const now = this.clock.now();
    return signJwt(DEVICE_TOKEN, this.keys.signer, {
      iss: this.config.issuer,
      aud: this.audience,
      sub: userId,
      jti: deviceId,
      acc: accountKey,
      iat: Math.floor(now / 1000),
      exp: Math.floor((now + DEVICE_TOKEN_TTL_MS) / 1000),
    });
  }

  /** Verifies signature, header, claims and expiry. Null for anything else than a device token of ours. */
  verify(token: string): KnownDevice | null {
    const kid = readKeyId(token, DEVICE_TOKEN);
    const key = kid === null ? undefined : this.keys.byId.get(kid);
    const claims = verifyHmac(token, key);
    return claims && this.readClaims(claims);
  }

  /** Null unless every claim is there and of its type. */
  private readClaims(payload: Record<string, unknown>): KnownDevice | null {
    if (payload['iss'] !== this.config.issuer || payload['aud'] !== this.audience) return null;
    const userId = idClaim(payload['sub']);
    const deviceId = idClaim(payload['jti']);
    const accountKey = textClaim(payload['acc']);
    const issuedAt = timeClaim(payload['iat']);
    const expiresAt = timeClaim(payload['exp']);
    if (!userId || !deviceId || !accountKey || !issuedAt || !expiresAt) return null;
    const now = this.clock.now();
    if (now >= expiresAt || issuedAt > now + CLOCK_TOLERANCE_MS) return null;
    return { userId, deviceId, accountKey, issuedAt };
  }
}
