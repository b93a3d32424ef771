import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { readBearerToken } from '../../http/bearer-token.js';
import { setLogSubject } from '../../http/request-log.js';
import { PUBLIC } from '../../identity/decorators.js';
import type { Identity } from '../../identity/identity.js';
import { oncePerRoute } from '../../identity/route-metadata.js';
import type { ProblemCode } from '../../problem/catalogue.js';
import { Problem } from '../../problem/problem.js';
import { RevocationsService } from '../../revocations/revocations.service.js';
import { SessionWriteBuffer } from '../../sessions/session-write-buffer.js';
import { VerifiedTokenCache } from '../verified-token-cache.js';

type GuardedRequest = FastifyRequest & { user: Identity };

/**
 * Guards every route without `@Public()`; the caller is then `request.user`. Reads no database while the revocation cache
 * is fresh. The first use of a generation is acknowledged: it proves that the client received the response.
 */
@Injectable()
export class AccessGuard extends AuthGuard('access') {
  private readonly isPublic;

  constructor(
    reflector: Reflector,
    private readonly verified: VerifiedTokenCache,
    private readonly revocations: RevocationsService,
    private readonly writeBuffer: SessionWriteBuffer,
  ) {
    super();
    this.isPublic = oncePerRoute(({ handler, controller }) =>
      reflector.getAllAndOverride<boolean | undefined>(PUBLIC, [handler, controller]),
    );
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const bearer = readBearerToken(request);
    if (bearer.kind === 'none') throw new Problem('access_token_missing');
    if (bearer.kind === 'ambiguous') throw new Problem('access_token_invalid');
    const known = this.verified.find(bearer.token);
    if (!known) return this.verify(context, request, bearer.token);
    request.user = known;
    return this.assertUsable(request);
  }

  override handleRequest<User = Identity>(error: unknown, user: User | false): User {
    if (error) throw error;
    if (!user) throw new Problem('access_token_invalid');
    return user;
  }

  private async verify(context: ExecutionContext, request: GuardedRequest, token: string): Promise<boolean> {
    await super.canActivate(context);
    this.verified.store(token, request.user);
    return this.assertUsable(request);
  }

  /** Checks expiry and revocation, on every request. A promise only while the revocation cache is stale. */
  private assertUsable(request: GuardedRequest): boolean | Promise<boolean> {
    const { user: caller } = request;
    setLogSubject(request, caller);
    const refusal = this.revocations.whyRefused(caller);
    return refusal instanceof Promise ? refusal.then((code) => this.admit(caller, code)) : this.admit(caller, refusal);
  }

  private admit(caller: Identity, refusal: ProblemCode | null): true {
    if (refusal) throw new Problem(refusal, { sessionId: caller.sessionId });
    this.writeBuffer.acknowledge(caller.sessionId, caller.generation);
    return true;
  }
}
