import { ApiProperty } from '@nestjs/swagger';
import { problemKind } from '../problem/catalogue.js';
import type { Refusal } from '../problem/problem.filter.js';
import type { Problem } from '../problem/problem.js';

/** Those of RFC 6749 section 5.2 that can occur here. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unsupported_grant_type',
  'invalid_scope',
] as const;
export type OAuthErrorCode = (typeof OAUTH_ERRORS)[number];

/** For a client that authenticated with `Authorization`, or has to (RFC 6749 section 5.2). */
export const BASIC_CHALLENGE = 'Basic realm="latchkey"';

export class OAuthErrorResponse {
  @ApiProperty({ enum: OAUTH_ERRORS }) error: OAuthErrorCode;
  @ApiProperty({ pattern: '^[ !#-\\[\\]-~]+$', description: 'For the developer of the client.' })
  error_description: string;
}

/** @param description printable ASCII without " and \, and nothing that a caller sent */
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
 * The error response of the routes under /oauth: RFC 6749 section 5.2. Null for errors of the server (5xx) and for 429:
 * these are problem responses as on every other route (RFC 7009 section 2.2.1).
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
    body: { error, error_description: description } satisfies OAuthErrorResponse,
  };
}
