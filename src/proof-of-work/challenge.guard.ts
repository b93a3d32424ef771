import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { Problem } from '../problem/problem.js';
import { RateLimits } from '../rate-limits/rate-limits.service.js';
import type { ChallengePurpose } from './challenge-decision.js';
import { CHALLENGE_PURPOSE } from './challenge-over-soft-limit.js';
import { Challenges } from './challenges.service.js';

/** Enforces `@ChallengeOverSoftLimit()`: right after the limits, and before any lookup or hash. */
@Injectable()
export class ChallengeGuard implements CanActivate {
  private readonly isOff: boolean;

  constructor(
    config: Config,
    private readonly reflector: Reflector,
    private readonly challenges: Challenges,
    private readonly limits: RateLimits,
  ) {
    this.isOff = config.proofOfWork === 'off';
  }

  canActivate(context: ExecutionContext): true | Promise<true> {
    if (this.isOff) return true;
    const purpose = this.reflector.get<ChallengePurpose | undefined>(CHALLENGE_PURPOSE, context.getHandler());
    return purpose ? this.assertSolved(purpose, context.switchToHttp().getRequest<FastifyRequest>()) : true;
  }

  private async assertSolved(purpose: ChallengePurpose, request: FastifyRequest): Promise<true> {
    try {
      await this.challenges.assertSolved(purpose, request);
      return true;
    } catch (error) {
      if (error instanceof Problem) this.limits.reportRefused(request, error.code);
      throw error;
    }
  }
}
