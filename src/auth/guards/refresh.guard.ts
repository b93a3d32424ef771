import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import { RateLimits } from '../../rate-limits/rate-limits.service.js';
import { RefreshDto, RefreshFormDto } from '../dto.js';
import type { RefreshCredential } from '../../sessions/refresh-outcome.js';
import type { RefreshRequest } from '../requests.js';
import { validateBody } from './validate-body.js';

/**
 * Finds and verifies the refresh token of a request, which is then `request.refreshCredential`. It refuses no
 * request itself: a missing or invalid token is an outcome like any other, which `RefreshService` counts.
 */
@Injectable()
export class RefreshGuard extends AuthGuard('refresh') {
  constructor(private readonly limits: RateLimits) {
    super();
  }

  override getAuthenticateOptions(): { property: string } {
    return { property: 'refreshCredential' satisfies keyof RefreshRequest };
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<RefreshRequest>();
    try {
      request.body = await validateBody(request.body ?? {}, isForm(request) ? RefreshFormDto : RefreshDto);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      request.refreshCredential = { kind: 'rejected', problem: error };
      return true;
    }
    await super.canActivate(context);
    request.refreshCredential = await this.limited(request.refreshCredential);
    return true;
  }

  /** Counts the refresh for its sessions. */
  private async limited(credential: RefreshCredential): Promise<RefreshCredential> {
    if (credential.kind === 'rejected') return credential;
    try {
      await this.limits.consumeRefresh(credential.tokens.map(({ sessionId }) => sessionId));
      return credential;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { kind: 'rejected', problem: error };
    }
  }
}
