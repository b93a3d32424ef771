import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { Identity } from '../identity/identity.js';
import { Clock } from '../clock/clock.js';
import { Config } from '../config/config.js';
import { whyOutOfTime } from './access-token-lifetime.js';
import { countClaim, idClaim, isObject, listClaim, textClaim, timeClaim } from './claims.js';
import { readKeyId, signatureChecks, verifySignature, type SignatureChecks } from './jwt.js';
import { ACCESS_TOKEN } from './token-kinds.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

/** An access token of ours: its caller, and its claims word for word. */
export interface VerifiedAccessToken {
  identity: Identity;
  claims: Record<string, unknown>;
}

/** Verifies access tokens: JWTs as RFC 9068 profiles them, plus `sid`, `gen`, `ver`, `roles` and `auth_time`. */
@Injectable()
export class AccessTokenVerifier {
  readonly checks: SignatureChecks;

  constructor(
    private readonly config: Config,
    private readonly keys: SigningKeysService,
    private readonly jwt: JwtService,
    private readonly clock: Clock,
  ) {
    this.checks = signatureChecks(ACCESS_TOKEN, config.issuer);
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
    const kid = readKeyId(token, ACCESS_TOKEN);
    return kid === null ? undefined : this.keys.findPublicKey(kid);
  }

  /** The identity in a payload whose signature is verified; null unless every claim is there and of its type. */
  readClaims(payload: unknown): Identity | null {
    if (!isObject(payload)) return null;
    if (payload['iss'] !== this.checks.issuer || payload['aud'] !== this.checks.audience) return null;
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
