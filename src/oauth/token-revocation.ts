import { Injectable } from '@nestjs/common';
import { AuthService } from '../auth/auth.service.js';
import type { OwnedSession } from '../auth/guards/logout.guard.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { TokenVerifier } from '../tokens/token-verifier.js';

/** RFC 7009: whoever holds a token of a session may end the session. */
@Injectable()
export class TokenRevocation {
  constructor(
    private readonly tokens: TokenVerifier,
    private readonly revocations: RevocationsService,
    private readonly auth: AuthService,
  ) {}

  /** Ends the session of a token as a logout does; does nothing for a text that is no token of ours, or has expired. */
  async revoke(token: string): Promise<void> {
    const session = this.findSession(token);
    if (session) await this.auth.logout([session]);
  }

  private findSession(token: string): OwnedSession | null {
    const known = this.tokens.verify(token);
    if (!known) return null;
    // Of any generation: revoking an old token is no replay.
    if ('refresh' in known) return known.refresh.presented;
    const { identity } = known.access;
    return this.revocations.whyOutOfTime(identity) ? null : identity;
  }
}
