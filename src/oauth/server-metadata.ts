import { withoutOrigin } from '../http/request-target.js';
import type { Config } from '../config/config.js';
import type { ServerMetadata } from './dto.js';
import { GRANT_TYPE } from './token-request.js';

const WELL_KNOWN = '/.well-known/oauth-authorization-server';

/**
 * What a client may know of this server (RFC 8414 section 2): only what is true. There is no `response_types_supported`,
 * as there is no authorization endpoint, and section 3.2 wants no empty lists.
 */
export function serverMetadata({ issuer, introspectionClients }: Config): ServerMetadata {
  return {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: [GRANT_TYPE],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    ...(introspectionClients.length > 0 && {
      introspection_endpoint: `${issuer}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
    }),
  };
}

/**
 * Where ISSUER has a path, RFC 8414 section 3.1 puts it behind the well-known part: that address means the other one.
 * For Fastify's `rewriteUrl`; undefined where there is nothing to rewrite.
 */
export function wellKnownAlias(issuer: string): ((request: { url?: string | undefined }) => string) | undefined {
  const { pathname } = new URL(issuer);
  if (pathname === '/') return undefined;
  const alias = WELL_KNOWN + pathname;
  return ({ url = '/' }) => {
    const path = withoutOrigin(url);
    return path.split('?', 1)[0] === alias ? WELL_KNOWN + path.slice(alias.length) : url;
  };
}
