import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { PUBLIC } from '../../identity/decorators.js';
import type { Identity } from '../../identity/identity.js';
import type { ProblemCode } from '../../problem/catalogue.js';
import { Problem } from '../../problem/problem.js';
import { RevocationsService } from '../../revocations/revocations.service.js';
import { SessionWriteBuffer } from '../../sessions/session-write-buffer.js';
import { VerifiedTokenCache } from '../verified-token-cache.js';

/**
 * Guards every route that does not say `@Public()`. Reads no database: the signature, then this process's memory of
 * what has ended, for as long as that can be trusted. The first use of a generation is noted: it proves that its holder got the answer.
 */
@Injectable()
export class AccessGuard extends AuthGuard('access') {
  constructor(
    private readonly reflector: Reflector,
    private readonly verified: VerifiedTokenCache,
    private readonly revocations: RevocationsService,
    private readonly writeBuffer: SessionWriteBuffer,
  ) {
    super();
  }

  override canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const open = this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()]);
    if (open) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>();
    const known = this.verified.identityOf(request);
    if (!known) return this.verify(context, request);
    request.user = known;
    return this.admit(known);
  }

  override handleRequest<User = Identity>(error: unknown, user: User | false, info: unknown): User {
    if (error) throw error;
    if (!user) throw new Problem(isMissing(info) ? 'access_token_missing' : 'access_token_invalid');
    return user;
  }

  private async verify(context: ExecutionContext, request: { user: Identity }): Promise<boolean> {
    await super.canActivate(context);
    return this.admit(request.user);
  }

  /** Whether the token may still be used: asked on every request, however well the token is known. */
  private admit(caller: Identity): boolean | Promise<boolean> {
    const refusal = this.revocations.whyRefused(caller);
    return refusal instanceof Promise
      ? refusal.then((late) => this.conclude(caller, late))
      : this.conclude(caller, refusal);
  }

  private conclude(caller: Identity, refusal: ProblemCode | null): true {
    if (refusal) throw new Problem(refusal, { sessionId: caller.sessionId });
    this.writeBuffer.acknowledge(caller.sessionId, caller.generation);
    return true;
  }
}

/** What `passport-jwt` says when there is no token at all. */
export function isMissing(info: unknown): boolean {
  return info instanceof Error && info.message === 'No auth token';
}
