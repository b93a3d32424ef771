import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { hasSeveralAuthorizationHeaders } from '../http/bearer-token.js';
import { IntrospectionClients } from './introspection-clients.js';
import { OAuthError } from './oauth-error.js';

/** Lets in the services of INTROSPECTION_CLIENTS, or nobody: who could ask for free could try tokens out. */
@Injectable()
export class IntrospectionGuard implements CanActivate {
  constructor(private readonly clients: IntrospectionClients) {}

  canActivate(context: ExecutionContext): true {
    const { raw } = context.switchToHttp().getRequest<FastifyRequest>();
    const known = !hasSeveralAuthorizationHeaders(raw) && this.clients.know(raw.headers.authorization ?? '');
    if (!known) throw new OAuthError('invalid_client', 'This needs the credentials of a client.', { challenge: true });
    return true;
  }
}
