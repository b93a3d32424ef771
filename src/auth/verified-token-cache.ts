import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Identity } from '../identity/identity.js';
import { Metrics } from '../metrics/metrics.js';
import { SigningKeysService } from '../signing-keys/signing-keys.service.js';
import { bearerToken } from '../http/bearer-token.js';

const MAX_REMEMBERED = 10_000;

/**
 * Access tokens that were found good: they stay good, and verifying ES256 again would take longer than all the rest of a
 * guarded request. Whether one may still be *used* changes, and is not asked here: `RevocationsService.whyRefused`.
 */
@Injectable()
export class VerifiedTokenCache {
  /** By the end of their signature, which is all that has to be hashed; the whole text is compared. */
  private readonly byEnd = new LRUCache<string, { token: string; identity: Identity }>({ max: MAX_REMEMBERED });
  private edition = 0;

  constructor(
    private readonly keys: SigningKeysService,
    metrics: Metrics,
  ) {
    metrics.gauge('latchkey_tokens_remembered', 'Verified access tokens held in memory', () => this.byEnd.size);
  }

  /** Whose token a request carries, if it was verified before. */
  identityOf(request: unknown): Identity | undefined {
    const token = bearerToken(request);
    if (this.edition !== this.keys.edition) this.forgetAll();
    const known = token === null ? undefined : this.byEnd.get(endOf(token));
    return known?.token === token ? known.identity : undefined;
  }

  /** Frozen: many requests will be handed this one object. */
  remember(request: unknown, identity: Identity): void {
    const token = bearerToken(request);
    if (token === null) return;
    Object.freeze(identity.roles);
    this.byEnd.set(endOf(token), { token, identity: Object.freeze(identity) });
  }

  private forgetAll(): void {
    this.byEnd.clear();
    this.edition = this.keys.edition;
  }
}

/** 192 bits of the signature. */
function endOf(token: string): string {
  return token.slice(-32);
}
