import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../../clock/clock.js';
import { RECENT_AUTHENTICATION } from '../../identity/decorators.js';
import type { Identity } from '../../identity/identity.js';
import { oncePerRoute } from '../../identity/route-metadata.js';
import { Problem } from '../../problem/problem.js';

/** How old the `auth_time` of an access token may be for a sensitive route. */
const MAX_AGE_MS = 10 * 60_000;

/** Enforces `@RecentAuthentication()`. Runs after `AccessGuard`. */
@Injectable()
export class RecentAuthenticationGuard implements CanActivate {
  private readonly isWanted;

  constructor(
    reflector: Reflector,
    private readonly clock: Clock,
  ) {
    this.isWanted = oncePerRoute(({ handler, controller }) =>
      reflector.getAllAndOverride<boolean | undefined>(RECENT_AUTHENTICATION, [handler, controller]),
    );
  }

  canActivate(context: ExecutionContext): boolean {
    if (!this.isWanted(context)) return true;
    const caller = context.switchToHttp().getRequest<FastifyRequest & { user?: Identity }>().user;
    // A public route has no caller, and admits none.
    if (!caller || this.clock.now() - caller.authTime > MAX_AGE_MS) {
      throw new Problem('reauthentication_required', caller && { sessionId: caller.sessionId });
    }
    return true;
  }
}
