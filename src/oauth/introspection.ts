import { Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { RefreshService } from '../sessions/refresh.service.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { SessionWriteBuffer } from '../sessions/session-write-buffer.js';
import type { VerifiedAccessToken } from '../tokens/access-token.service.js';
import type { VerifiedRefreshToken } from '../tokens/refresh-token.service.js';
import { IntrospectionResponse } from './introspection-response.js';
import { TokenVerifier } from '../tokens/token-verifier.js';

/** RFC 7662: what a service may know of a token that somebody showed it. */
@Injectable()
export class Introspection {
  constructor(
    private readonly tokens: TokenVerifier,
    private readonly revocations: RevocationsService,
    private readonly writeBuffer: SessionWriteBuffer,
    private readonly refreshes: RefreshService,
    private readonly clock: Clock,
  ) {}

  /** What the token says, if it would be let in here now; of any other text only that it would not. */
  async introspect(token: string): Promise<IntrospectionResponse> {
    const known = this.tokens.verify(token);
    if (known && 'access' in known && (await this.isAccepted(known.access))) {
      return IntrospectionResponse.ofAccessToken(known.access.claims);
    }
    if (known && 'refresh' in known) {
      const until = await this.exchangeableUntil(known.refresh);
      if (until !== null) return IntrospectionResponse.ofRefreshToken(known.refresh.claims, until);
    }
    return { active: false };
  }

  /** As `AccessGuard` lets in, and notes: to be shown a token that counts is to see that its holder got it. */
  private async isAccepted({ identity }: VerifiedAccessToken): Promise<boolean> {
    if (await this.revocations.whyRefused(identity)) return false;
    this.writeBuffer.acknowledge(identity.sessionId, identity.generation);
    return true;
  }

  private async exchangeableUntil({ presented }: VerifiedRefreshToken): Promise<number | null> {
    return this.clock.now() < presented.expiresAt ? this.refreshes.idleExpiryIfRefreshable(presented) : null;
  }
}
