import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { v4 as uuidv4 } from 'uuid';
import type { Identity } from '../identity/identity.js';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { whyOutOfTime } from './access-token-lifetime.js';
import { countClaim, idClaim, isObject, listClaim, textClaim, timeClaim } from './claims.js';
import { readKeyId, verifySignature, type SignatureChecks, type TokenKind } from './jwt.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

const KIND: TokenKind = { alg: 'ES256', typ: 'at+jwt' };

/** What an access token is made from. Times in milliseconds since the epoch. */
type AccessGrant = Omit<Identity, 'expiresAt' | 'issuedAt'> & {
  /** The token expires at this time at the latest. */
  notAfter: number;
};

/** An access token of ours: its caller, and its claims word for word. */
export interface VerifiedAccessToken {
  identity: Identity;
  claims: Record<string, unknown>;
}

/** Access tokens: JWTs as RFC 9068 profiles them, plus `sid`, `gen`, `ver`, `roles` and `auth_time`. */
@Injectable()
export class AccessTokenService {
  /** Access tokens are for this API and for services that trust its issuer. */
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

  /** @returns the token, and its lifetime in whole seconds */
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
        ver: grant.tokenVersion,
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
   * Verifies signature, header and claims. Null for anything else than an access token of ours. Whether it is expired:
   * `whyOutOfTime`; or revoked: `RevocationsService.whyRefused`.
   */
  verify(token: string): VerifiedAccessToken | null {
    const payload = verifySignature(this.jwt, token, this.keyFor(token), this.checks);
    const identity = this.readClaims(payload);
    return identity && { identity, claims: payload as VerifiedAccessToken['claims'] };
  }

  /** Why an authentic token is out of time, or null: then its holder had the session, which may be revoked. */
  whyOutOfTime(identity: Identity): 'access_token_invalid' | 'access_token_expired' | null {
    return whyOutOfTime(identity, this.clock.now(), this.config.accessTokenTtlMs);
  }

  /** The key to verify a token with; undefined unless its header is that of an access token. */
  keyFor(token: string): KeyObject | undefined {
    const kid = readKeyId(token, KIND);
    return kid === null ? undefined : this.keys.findPublicKey(kid);
  }

  /** The identity in a payload whose signature is verified; null unless every claim is there and of its type. */
  readClaims(payload: unknown): Identity | null {
    if (!isObject(payload)) return null;
    if (payload['iss'] !== this.config.issuer || payload['aud'] !== this.audience) return null;
    const userId = idClaim(payload['sub']);
    const sessionId = idClaim(payload['sid']);
    const generation = countClaim(payload['gen']);
    const tokenVersion = countClaim(payload['ver']);
    const roles = listClaim(payload['roles']);
    const authTime = timeClaim(payload['auth_time']);
    const issuedAt = timeClaim(payload['iat']);
    const expiresAt = timeClaim(payload['exp']);
    if (!userId || !sessionId || !generation || !tokenVersion || !roles || !authTime || !issuedAt || !expiresAt)
      return null;
    if (!textClaim(payload['client_id']) || !textClaim(payload['jti'])) return null;
    return { userId, sessionId, generation, tokenVersion, roles, authTime, issuedAt, expiresAt };
  }
}
