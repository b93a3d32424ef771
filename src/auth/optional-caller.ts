import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../http/bearer-token.js';
import type { Identity } from '../identity/identity.js';
import { Problem } from '../problem/problem.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { AccessTokenVerifier } from '../tokens/access-token-verifier.js';

/** The caller of a public route that treats its callers differently when they are signed in. */
@Injectable()
export class OptionalCaller {
  constructor(
    private readonly accessTokens: AccessTokenVerifier,
    private readonly revocations: RevocationsService,
  ) {}

  /**
   * Null without an access token. One that is presented has to be usable: otherwise a client whose token has just expired
   * would be treated as a stranger, instead of refreshing. Throws as a guarded route does.
   */
  async find(request: FastifyRequest): Promise<Identity | null> {
    const bearer = readBearerToken(request);
    if (bearer.kind === 'none') return null;
    const identity = bearer.kind === 'token' ? this.accessTokens.verify(bearer.token)?.identity : undefined;
    if (!identity) throw new Problem('access_token_invalid');
    const refusal = await this.revocations.whyRefused(identity);
    if (refusal) throw new Problem(refusal, { sessionId: identity.sessionId });
    return identity;
  }
}
