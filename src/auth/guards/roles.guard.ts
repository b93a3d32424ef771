import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ROLES } from '../../identity/decorators.js';
import type { Identity } from '../../identity/identity.js';
import { oncePerRoute } from '../../identity/route-metadata.js';
import { Problem } from '../../problem/problem.js';

/** Enforces `@Roles()`. Runs after `AccessGuard`: a public route has no caller, and admits none. */
@Injectable()
export class RolesGuard implements CanActivate {
  private readonly rolesOf;

  constructor(reflector: Reflector) {
    this.rolesOf = oncePerRoute(({ handler, controller }) =>
      reflector.getAllAndOverride<string[] | undefined>(ROLES, [handler, controller]),
    );
  }

  canActivate(context: ExecutionContext): boolean {
    const roles = this.rolesOf(context);
    if (!roles) return true;
    const caller = context.switchToHttp().getRequest<FastifyRequest & { user?: Identity }>().user;
    if (!caller?.roles.some((role) => roles.includes(role))) throw new Problem('insufficient_role');
    return true;
  }
}
