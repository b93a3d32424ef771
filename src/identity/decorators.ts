import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Problems } from '../openapi/problems.js';
import type { Identity } from './identity.js';

export const PUBLIC = 'latchkey:public';
export const ROLES = 'latchkey:roles';

/** Opens a route to everybody. Without it a route needs an access token. */
export const Public = (): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(PUBLIC, true), ApiExtension('x-public', [true]));

/** Lets in only callers who have at least one of these roles (403 `insufficient_role`). */
export const Roles = (...roles: [string, ...string[]]): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ROLES, roles), Problems('insufficient_role'));

/** The caller of a guarded route: `whoami(@CurrentUser() caller: Identity)`. */
export const CurrentUser = createParamDecorator<undefined>(
  (_: undefined, context: ExecutionContext): Identity =>
    context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>().user,
);
