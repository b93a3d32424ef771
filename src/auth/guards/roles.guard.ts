import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ROLES } from '../../identity/decorators.js';
import type { Identity } from '../../identity/identity.js';
import { Problem } from '../../problem/problem.js';

/** Enforces `@Roles()`. Runs after `AccessGuard`: a public route has no caller, and admits none. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.getAllAndOverride<string[] | undefined>(ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!roles) return true;
    const caller = context.switchToHttp().getRequest<FastifyRequest & { user?: Identity }>().user;
    if (!caller?.roles.some((role) => roles.includes(role))) throw new Problem('insufficient_role');
    return true;
  }
}
