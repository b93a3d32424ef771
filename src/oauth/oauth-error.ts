import { problemKind } from '../problem/catalogue.js';
import type { Refusal } from '../problem/problem.filter.js';
import type { Problem } from '../problem/problem.js';

/** RFC 6749 section 5.2, what of it can happen here. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unsupported_grant_type',
  'invalid_scope',
] as const;
export type OAuthErrorCode = (typeof OAUTH_ERRORS)[number];

/** The header that a client gets which tried, or has, to say who it is in `Authorization` (RFC 6749 section 5.2). */
export const BASIC_CHALLENGE = 'Basic realm="latchkey"';

/** A refusal in the words of OAuth. `description`: printable ASCII without " and \, and nothing that a caller sent. */
export class OAuthError extends Error {
  constructor(
    readonly error: OAuthErrorCode,
    readonly description: string,
    readonly options: { challenge?: boolean } = {},
  ) {
    super(error);
  }
}

/**
 * How the routes under /oauth refuse: RFC 6749 section 5.2. What is no mistake of the client (5xx), and what asks it to
 * slow down, is left to the contract of all other routes, as RFC 7009 section 2.2.1 has it.
 */
export function toOAuthRefusal(error: unknown, problem: Problem): Refusal | null {
  if (error instanceof OAuthError) return refusal(error, error.error);
  if (problem.status >= 500 || problem.status === 429) return null;
  const { terminal, title } = problemKind(problem.code);
  return refusal(new OAuthError(terminal ? 'invalid_grant' : 'invalid_request', title), problem.code);
}

function refusal({ error, description, options }: OAuthError, code: string): Refusal {
  return {
    code,
    status: options.challenge ? 401 : 400,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      ...(options.challenge && { 'www-authenticate': BASIC_CHALLENGE }),
    },
    body: { error, error_description: description },
  };
}
