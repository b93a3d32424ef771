import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { LimitFamily } from '../config/rate-limit-policies.js';
import { RATE_LIMIT } from '../http/limit-rate.js';
import { PUBLIC } from '../identity/decorators.js';
import { oncePerRoute } from '../identity/route-metadata.js';
import { RateLimits, type LimitedAttempt } from './rate-limits.service.js';

/** Enforces `@LimitRate()`: before every other guard, before the body is validated, and before any lookup or hash. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly limitsOf;

  constructor(
    reflector: Reflector,
    private readonly limits: RateLimits,
  ) {
    this.limitsOf = oncePerRoute(({ handler, controller }) => ({
      families: reflector.get<LimitFamily[] | undefined>(RATE_LIMIT, handler),
      isPublic: reflector.getAllAndOverride<boolean>(PUBLIC, [handler, controller]),
    }));
  }

  canActivate(context: ExecutionContext): true | Promise<true> {
    const { families, isPublic } = this.limitsOf(context);
    if (!families) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return this.consume(families, { request, isPublic });
  }

  /** One after the other: what one family refuses uses up no points of the next. */
  private async consume(families: LimitFamily[], attempt: LimitedAttempt): Promise<true> {
    for (const family of families) await this.limits.consume(family, attempt);
    return true;
  }
}
