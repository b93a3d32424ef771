import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../../common/problem/problem.js';
import { RefreshMetrics } from '../../sessions/refresh-metrics.js';
import type { PresentedRefreshToken } from '../../tokens/refresh-tokens.js';
import { RefreshDto } from '../dto.js';
import { isMissing } from './access.guard.js';
import { validBody } from './valid-body.js';

/** Lets in a refresh token of ours; it is then `request.user`. What it is worth is not asked here. */
@Injectable()
export class RefreshGuard extends AuthGuard('refresh') {
  constructor(private readonly metrics: RefreshMetrics) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.check(context);
    } catch (error) {
      this.metrics.threw(error);
      throw error;
    }
  }

  private async check(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const body = (request.body ?? {}) as Partial<RefreshDto>;
    if (body.refresh_token === undefined && Object.keys(body).length === 0) throw new Problem('refresh_token_missing');
    request.body = await validBody(body, RefreshDto);
    return (await super.canActivate(context)) as boolean;
  }

  override handleRequest<User = PresentedRefreshToken>(error: unknown, user: User | false, info: unknown): User {
    if (error) throw error;
    if (!user) throw new Problem(isMissing(info) ? 'refresh_token_missing' : 'refresh_token_invalid');
    return user;
  }
}
