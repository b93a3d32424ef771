import { Injectable } from '@nestjs/common';
import { AuthService } from '../auth/auth.service.js';
import { cannotAuthenticate, type Ending } from '../auth/guards/logout.guard.js';
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
    const ending = await this.find(token);
    if (ending) await this.auth.logout([ending]);
  }

  private async find(token: string): Promise<Ending | null> {
    const known = this.tokens.read(token);
    if (!known) return null;
    // Of any generation: to give up an old one is no theft.
    if ('refresh' in known) return known.refresh.presented;
    const { identity } = known.access;
    return cannotAuthenticate(await this.revocations.whyRefused(identity)) ? null : identity;
  }
}
