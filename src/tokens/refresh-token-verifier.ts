import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../config/config.js';
import { countClaim, idClaim, isObject, timeClaim } from './claims.js';
import { deriveHmacKeys, type HmacKeys } from './hmac-keys.js';
import { readKeyId, verifySignature, type SignatureChecks, type TokenKind } from './jwt.js';

const KIND: TokenKind = { alg: 'HS256', typ: 'refresh+jwt' };

/** What a refresh token is computed from: the row of its session, and nothing more. */
interface RefreshGrant {
  sessionId: string;
  userId: string;
  generation: number;
  /** Milliseconds since the epoch, as is `expiresAt`. */
  rotatedAt: number;
  expiresAt: number;
}

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

/**
 * Refresh tokens: JWTs under HMAC-SHA-256 with a key that HKDF derives from APP_SECRET. They are a function of the row of
 * the session, so that the newest can be issued again at any time, and a copy of the database is not enough to forge one.
 */
@Injectable()
export class RefreshTokenService {
  /** Refresh tokens are only for the refresh endpoint. */
  readonly audience: string;
  private readonly checks: SignatureChecks;
  private readonly keys: HmacKeys['byId'];
  private readonly signer: HmacKeys['signer'];

  constructor(
    private readonly config: Config,
    private readonly jwt: JwtService,
  ) {
    this.audience = `${config.issuer}/auth/refresh`;
    this.checks = {
      algorithms: ['HS256'],
      issuer: config.issuer,
      audience: this.audience,
      ignoreExpiration: true,
    };
    const keys = deriveHmacKeys(config.appSecrets, 'refresh');
    this.keys = keys.byId;
    this.signer = keys.signer;
  }

  /** The same string each time for the same row, under one secret. */
  issue(grant: RefreshGrant): string {
    const { kid, key } = this.signer;
    return this.jwt.sign(
      {
        iss: this.config.issuer,
        aud: this.audience,
        sub: grant.userId,
        sid: grant.sessionId,
        gen: grant.generation,
        iat: Math.floor(grant.rotatedAt / 1000),
        exp: Math.ceil(grant.expiresAt / 1000),
      },
      { privateKey: key, algorithm: KIND.alg, header: { ...KIND, kid } },
    );
  }

  /** Verifies signature, header and claims. Null for anything else than a refresh token of ours, expired or not. */
  verify(token: string): VerifiedRefreshToken | null {
    const kid = readKeyId(token, KIND);
    const key = kid === null ? undefined : this.keys.get(kid);
    const payload = verifySignature(this.jwt, token, key, this.checks);
    const presented = this.readClaims(payload);
    return presented && { presented, claims: payload as VerifiedRefreshToken['claims'] };
  }

  /** Null unless every claim is there and of its type. */
  private readClaims(payload: unknown): PresentedRefreshToken | null {
    if (!isObject(payload)) return null;
    if (payload['iss'] !== this.config.issuer || payload['aud'] !== this.audience) return null;
    const userId = idClaim(payload['sub']);
    const sessionId = idClaim(payload['sid']);
    const generation = countClaim(payload['gen']);
    const expiresAt = timeClaim(payload['exp']);
    if (!userId || !sessionId || !generation || !expiresAt || !timeClaim(payload['iat'])) return null;
    return { userId, sessionId, generation, expiresAt };
  }
}
