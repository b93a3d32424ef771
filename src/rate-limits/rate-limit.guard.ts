import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { LimitFamily } from '../config/rate-limit-policies.js';
import { RATE_LIMIT } from '../http/limit-rate.js';
import { PUBLIC } from '../identity/decorators.js';
import { RateLimits, type LimitedAttempt } from './rate-limits.service.js';

/** Enforces `@LimitRate()`: before every other guard, before the body is validated, and before any lookup or hash. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  canActivate(context: ExecutionContext): true | Promise<true> {
    const families = this.reflector.get<LimitFamily[] | undefined>(RATE_LIMIT, context.getHandler());
    if (!families) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const isPublic = this.reflector.getAllAndOverride<boolean>(PUBLIC, [context.getHandler(), context.getClass()]);
    return this.consume(families, { request, isPublic });
  }

  /** One after the other: what one family refuses uses up no points of the next. */
  private async consume(families: LimitFamily[], attempt: LimitedAttempt): Promise<true> {
    for (const family of families) await this.limits.consume(family, attempt);
    return true;
  }
}
