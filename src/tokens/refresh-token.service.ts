import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../config/config.js';
import { countClaim, idClaim, isObject, timeClaim } from './claims.js';
import { readKeyId, type TokenKind } from './jwt-header.js';
import { signedPayload, type SignatureChecks } from './signature.js';

const KIND: TokenKind = { alg: 'HS256', typ: 'refresh+jwt' };

/** What a refresh token is computed from: the row of its session, and nothing else. */
export interface RefreshGrant {
  sessionId: string;
  userId: string;
  generation: number;
  /** Milliseconds since the epoch, as is `expiresAt`. */
  rotatedAt: number;
  expiresAt: number;
}

/** What a refresh token with a good signature says. */
export interface PresentedRefreshToken {
  sessionId: string;
  userId: string;
  generation: number;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** A refresh token of ours: what it presents, and what it says word for word. */
export interface VerifiedRefreshToken {
  presented: PresentedRefreshToken;
  claims: Record<string, unknown>;
}

/**
 * Refresh tokens: JWTs under HMAC-SHA-256 with a key that HKDF derives from APP_SECRET. They are a function of the
 * session's row, so that any generation can be issued again at any time, and a copy of the database forges none.
 */
@Injectable()
export class RefreshTokenService {
  /** Refresh tokens are for the refresh endpoint alone. */
  readonly audience: string;
  readonly checks: SignatureChecks;
  private readonly keys = new Map<string, KeyObject>();
  private readonly signer: { kid: string; key: KeyObject };

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
    for (const secret of config.appSecrets) {
      const derive = (use: string, length: number) => Buffer.from(hkdfSync('sha256', secret, '', use, length));
      const kid = derive('latchkey refresh token id', 9).toString('base64url');
      this.keys.set(kid, createSecretKey(derive('latchkey refresh token key', 32)));
    }
    const [kid, key] = [...this.keys][0]!;
    this.signer = { kid, key };
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

  /** Is this text a refresh token of ours? Null unless it is. What it is worth is for the session's rules to say. */
  verify(token: string): VerifiedRefreshToken | null {
    const payload = signedPayload(this.jwt, token, this.keyFor(token), this.checks);
    const presented = this.read(payload);
    return presented && { presented, claims: payload as VerifiedRefreshToken['claims'] };
  }

  /** The key to verify a token with, if it looks like one of these at all. */
  keyFor(token: string): KeyObject | undefined {
    const kid = readKeyId(token, KIND);
    return kid === null ? undefined : this.keys.get(kid);
  }

  /** Reads the payload of a token whose signature is good; null unless every claim is there and of its type. */
  read(payload: unknown): PresentedRefreshToken | null {
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
