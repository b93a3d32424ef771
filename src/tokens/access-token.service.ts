import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { v4 as uuidv4 } from 'uuid';
import type { Identity } from '../identity/identity.js';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { countClaim, idClaim, isObject, listClaim, textClaim, timeClaim } from './claims.js';
import { readKeyId, type TokenKind } from './jwt-header.js';
import { signedPayload, type SignatureChecks } from './signature.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

const KIND: TokenKind = { alg: 'ES256', typ: 'at+jwt' };

/** What an access token is made from. Times in milliseconds since the epoch. */
export type AccessGrant = Omit<Identity, 'expiresAt' | 'issuedAt'> & {
  /** The token never lives longer than this. */
  notAfter: number;
};

/** An access token of ours: whose it is, and what it says word for word. */
export interface VerifiedAccessToken {
  identity: Identity;
  claims: Record<string, unknown>;
}

/** Access tokens: JWTs as RFC 9068 profiles them, plus `sid`, `gen`, `ver`, `roles` and `auth_time`. */
@Injectable()
export class AccessTokenService {
  /** Access tokens are for this API and whoever trusts its issuer. */
  readonly audience: string;
  readonly checks: SignatureChecks;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeysService,
    private readonly jwt: JwtService,
    private readonly clock: Clock,
  ) {
    this.audience = config.issuer;
    this.checks = {
      algorithms: ['ES256'],
      issuer: config.issuer,
      audience: this.audience,
      ignoreExpiration: true,
    };
  }

  /** @returns the token, and its life in whole seconds */
  issue(grant: AccessGrant): { token: string; expiresIn: number } {
    const now = this.clock.now();
    const iat = Math.floor(now / 1000);
    const exp = Math.floor(Math.min(now + this.config.accessTokenTtlMs, grant.notAfter) / 1000);
    const { kid, privateKey } = this.keys.signer;
    const token = this.jwt.sign(
      {
        iss: this.config.issuer,
        aud: this.audience,
        sub: grant.userId,
        client_id: this.config.clientId,
        jti: uuidv4(),
        sid: grant.sessionId,
        gen: grant.generation,
        ver: grant.ver,
        roles: grant.roles,
        auth_time: Math.floor(grant.authTime / 1000),
        iat,
        exp,
      },
      { privateKey, algorithm: KIND.alg, header: { ...KIND, kid } },
    );
    return { token, expiresIn: Math.max(0, exp - iat) };
  }

  /**
   * Is this text an access token of ours? Null unless it is. Whether it may still be used is another question:
   * `RevocationsService.whyRefused`.
   */
  verify(token: string): VerifiedAccessToken | null {
    const payload = signedPayload(this.jwt, token, this.keyFor(token), this.checks);
    const identity = this.read(payload);
    return identity && { identity, claims: payload as VerifiedAccessToken['claims'] };
  }

  /** The key to verify a token with, if it looks like one of these at all. */
  keyFor(token: string): KeyObject | undefined {
    const kid = readKeyId(token, KIND);
    return kid === null ? undefined : this.keys.verifier(kid);
  }

  /** Reads the payload of a token whose signature is good; null unless every claim is there and of its type. */
  read(payload: unknown): Identity | null {
    if (!isObject(payload)) return null;
    if (payload['iss'] !== this.config.issuer || payload['aud'] !== this.audience) return null;
    const userId = idClaim(payload['sub']);
    const sessionId = idClaim(payload['sid']);
    const generation = countClaim(payload['gen']);
    const ver = countClaim(payload['ver']);
    const roles = listClaim(payload['roles']);
    const authTime = timeClaim(payload['auth_time']);
    const issuedAt = timeClaim(payload['iat']);
    const expiresAt = timeClaim(payload['exp']);
    if (!userId || !sessionId || !generation || !ver || !roles || !authTime || !issuedAt || !expiresAt) return null;
    if (!textClaim(payload['client_id']) || !textClaim(payload['jti'])) return null;
    return { userId, sessionId, generation, ver, roles, authTime, issuedAt, expiresAt };
  }
}
