import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../http/bearer-token.js';
import type { Identity } from '../identity/identity.js';
import { RevocationsService } from '../revocations/revocations.service.js';
import { AccessTokenService } from '../tokens/access-token.service.js';

/** The caller of a public route that treats its callers differently when they are signed in. */
@Injectable()
export class OptionalCaller {
  constructor(
    private readonly accessTokens: AccessTokenService,
    private readonly revocations: RevocationsService,
  ) {}

  /** Null without a usable access token: nobody is refused for that. Throws `database_unavailable`. */
  async find(request: FastifyRequest): Promise<Identity | null> {
    const bearer = readBearerToken(request);
    const identity = bearer.kind === 'token' ? this.accessTokens.verify(bearer.token)?.identity : undefined;
    if (!identity) return null;
    return (await this.revocations.whyRefused(identity)) === null ? identity : null;
  }
}
