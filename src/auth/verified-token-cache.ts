import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Identity } from '../identity/identity.js';
import { Metrics } from '../metrics/metrics.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';

const MAX_TOKENS = 10_000;

/**
 * Access tokens whose signature and claims are verified. That does not change, and verifying ES256 again would take longer
 * than the rest of a guarded request. Expiry and revocation do change: `RevocationsService.whyRefused`, on every request.
 */
@Injectable()
export class VerifiedTokenCache {
  /** Keyed by the last characters of the token: hashing all of it takes longer. A hit compares the whole token. */
  private readonly byEnd = new LRUCache<string, { token: string; identity: Identity }>({ max: MAX_TOKENS });
  private edition = 0;

  constructor(
    private readonly keys: SigningKeysService,
    metrics: Metrics,
  ) {
    metrics.gauge('latchkey_tokens_remembered', 'Verified access tokens held in memory', 'sum', () => this.byEnd.size);
  }

  find(token: string): Identity | undefined {
    if (this.edition !== this.keys.edition) this.clear();
    const known = this.byEnd.get(endOf(token));
    return known?.token === token ? known.identity : undefined;
  }

  /** Freezes the identity: many requests will share the object. */
  store(token: string, identity: Identity): void {
    Object.freeze(identity.roles);
    this.byEnd.set(endOf(token), { token, identity: Object.freeze(identity) });
  }

  private clear(): void {
    this.byEnd.clear();
    this.edition = this.keys.edition;
  }
}

/** 192 bits of the signature. */
function endOf(token: string): string {
  return token.slice(-32);
}
