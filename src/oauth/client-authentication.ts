import { createHash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Config } from '../config/config.js';
import { hasSeveralAuthorizationHeaders } from '../http/bearer-token.js';
import { OAuthError } from './oauth-error.js';
import type { Form } from './oauth-form.js';

/**
 * The only client is a public one (RFC 6749 section 2.1): it has no secret, and can leave out its name. A client that
 * tries to authenticate is configured for another kind of server, and is refused. Throws `invalid_client`.
 */
export function assertPublicClient(request: FastifyRequest, form: Form, { clientId }: Config): void {
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

/**
 * Admits only the services of INTROSPECTION_CLIENTS: an open introspection endpoint helps to scan for tokens (RFC 7662
 * section 4).
 */
@Injectable()
export class IntrospectionGuard implements CanActivate {
  /** Digests have equal length, so that a comparison takes equal time. */
  private readonly digests: Buffer[];

  constructor({ introspectionClients }: Config) {
    this.digests = introspectionClients.map(({ id, secret }) => digest(`${id}:${secret}`));
  }

  canActivate(context: ExecutionContext): true {
    const { raw } = context.switchToHttp().getRequest<FastifyRequest>();
    const known = !hasSeveralAuthorizationHeaders(raw) && this.authenticates(raw.headers.authorization ?? '');
    if (!known) throw new OAuthError('invalid_client', 'This needs the credentials of a client.', { challenge: true });
    return true;
  }

  /**
   * Id and secret are form-encoded in the header (RFC 6749 section 2.3.1). Many clients do not encode them: they are
   * accepted as they are, too.
   */
  private authenticates(authorization: string): boolean {
    const [, base64] = /^Basic +([\w+/]+=*)$/i.exec(authorization) ?? [];
    if (base64 === undefined) return false;
    const plain = Buffer.from(base64, 'base64').toString();
    return this.includes(plain) || this.includes(formDecoded(plain));
  }

  /** Compares with all of them, also after a match: the time says nothing about which one it is. */
  private includes(credentials: string): boolean {
    const given = digest(credentials);
    return this.digests.filter((known) => timingSafeEqual(known, given)).length > 0;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Decodes id and secret separately: an encoded colon belongs to the id. */
function formDecoded(credentials: string): string {
  const [id = '', secret = ''] = credentials.split(/:(.*)/s);
  try {
    return [id, secret].map((part) => decodeURIComponent(part.replaceAll('+', ' '))).join(':');
  } catch {
    return credentials;
  }
}
