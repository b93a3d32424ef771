import { OAuthError } from './oauth-error.js';
import { required, type Form } from './form.js';

/** RFC 6749 section 6. */
export const GRANT_TYPE = 'refresh_token';

/**
 * The refresh token of a token request. Throws `invalid_request`, `unsupported_grant_type` and, as there are no scopes
 * of which one could be had, `invalid_scope`.
 */
export function refreshTokenIn(form: Form): string {
  if (required(form, 'grant_type') !== GRANT_TYPE) {
    throw new OAuthError('unsupported_grant_type', 'The only grant_type is refresh_token.');
  }
  const token = required(form, 'refresh_token');
  if (form['scope'] !== undefined) throw new OAuthError('invalid_scope', 'There are no scopes.');
  return token;
}
