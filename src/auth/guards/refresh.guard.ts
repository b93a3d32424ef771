import { type ExecutionContext, Injectable } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { isForm } from '../../http/also-form.js';
import { Problem } from '../../problem/problem.js';
import type { RefreshCredential } from '../../sessions/refresh-outcome.js';
import { RefreshDto, RefreshFormDto } from '../dto.js';
import { validateBody } from './validate-body.js';

/** A request whose refresh token `RefreshGuard` found and verified. */
export type RefreshRequest = FastifyRequest & { body: RefreshDto; refreshCredential: RefreshCredential };

/**
 * Finds and verifies the refresh token of a request, which is then `request.refreshCredential`. It refuses no
 * request itself: a missing or invalid token is an outcome like any other, which `RefreshService` counts.
 */
@Injectable()
export class RefreshGuard extends AuthGuard('refresh') {
  override getAuthenticateOptions(): { property: string } {
    return { property: 'refreshCredential' satisfies keyof RefreshRequest };
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<RefreshRequest>();
    try {
      request.body = await validateBody(request.body ?? {}, isForm(request) ? RefreshFormDto : RefreshDto);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      request.refreshCredential = { kind: 'refused', problem: error };
      return true;
    }
    return (await super.canActivate(context)) as boolean;
  }
}
