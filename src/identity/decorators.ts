import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Identity } from './identity.js';

export const PUBLIC = 'latchkey:public';
export const ROLES = 'latchkey:roles';
export const RECENT_AUTHENTICATION = 'latchkey:recent-authentication';

/** Opens a route to everybody. Without it a route needs an access token. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(PUBLIC, true);

/** Admits only callers with at least one of these roles (403 `insufficient_role`). */
export const Roles = (...roles: [string, ...string[]]): MethodDecorator & ClassDecorator => SetMetadata(ROLES, roles);

/**
 * Admits only callers who authenticated within the last ten minutes (403 `reauthentication_required`; OWASP ASVS 5.0 7.5.3).
 * A client then asks for the password, calls `POST /auth/reauthenticate`, and repeats the request.
 */
export const RecentAuthentication = (): MethodDecorator & ClassDecorator => SetMetadata(RECENT_AUTHENTICATION, true);

/** The caller of a guarded route: `whoami(@CurrentUser() caller: Identity)`. */
export const CurrentUser = createParamDecorator<undefined>(
  (_: undefined, context: ExecutionContext): Identity =>
    context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>().user,
);
