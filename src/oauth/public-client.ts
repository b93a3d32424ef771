import type { FastifyRequest } from 'fastify';
import { OAuthError } from './oauth-error.js';
import type { Form } from './form.js';

/**
 * The one client there is, which has no secret (RFC 6749 section 2.1): it may leave out its name. Whoever tries to prove
 * who they are takes this for another kind of server, and is told rather than believed. Throws `invalid_client`.
 */
export function refuseOtherClients(request: FastifyRequest, form: Form, clientId: string): void {
  if (/^Basic\b/i.test(request.headers.authorization ?? '')) {
    throw new OAuthError('invalid_client', 'Clients have no secret here.', { challenge: true });
  }
  if (form['client_secret'] !== undefined || form['client_assertion'] !== undefined) {
    throw new OAuthError('invalid_client', 'Clients have no secret here.');
  }
  if (form['client_id'] !== undefined && form['client_id'] !== clientId) {
    throw new OAuthError('invalid_client', 'There is no such client.');
  }
}
