/**
 * Every error of this server, in one table. `docs/errors.md` is held equal to it by a test.
 *
 * `code` (the key) is the error's identity and never changes. `terminal` means: drop the credentials and sign
 * in again; nothing else may make a client do that. `retryAfter` is in seconds.
 */
export interface ProblemKind {
  status: number;
  title: string;
  /** What went wrong and what to do about it, for the developer who reads it. */
  detail: string;
  terminal?: true;
  retryAfter?: number;
}

export const CATALOGUE = {
  validation_failed: {
    status: 400,
    title: 'The request is not valid',
    detail: 'Correct the fields listed in errors.',
  },
  password_rejected: {
    status: 400,
    title: 'The password is not acceptable',
    detail: 'Choose another password; errors says why.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    detail: 'Send one well-formed JSON object in UTF-8.',
  },
  body_too_deep: {
    status: 400,
    title: 'The body is nested too deeply',
    detail: 'A body may nest at most 16 levels.',
  },
  too_many_members: {
    status: 400,
    title: 'The request has too many members',
    detail: 'A body or a query may have at most 32 members, nested ones included.',
  },
  repeated_parameter: {
    status: 400,
    title: 'A parameter is given twice',
    detail: 'Give each parameter of a query, a form or a JSON object once.',
  },
  malformed_request: {
    status: 400,
    title: 'The request is malformed',
    detail: 'The request line, a header, the path or the body could not be read.',
  },
  refresh_token_ambiguous: {
    status: 400,
    title: 'Two refresh tokens at once',
    detail: 'Send the refresh token in the body or in its cookie, not both.',
  },
  cross_site_request: {
    status: 403,
    title: 'The request comes from another site',
    detail: 'CSRF protection: cookies are accepted from pages of ISSUER and CORS_ORIGINS only, and never with a form.',
  },
  one_time_token_invalid: {
    status: 400,
    title: 'The link or code is not valid',
    detail: 'It was used, has expired, was replaced, or the code was wrong. Ask for a new one.',
  },
  request_refused: {
    status: 400,
    title: 'The request was refused',
    detail: 'An application module refused it; the status, and often detail, say why.',
  },
  invalid_credentials: {
    status: 401,
    title: 'E-mail address or password is wrong',
    detail: 'Check both. The response is the same whether or not the address has an account.',
  },
  access_token_missing: {
    status: 401,
    title: 'No access token',
    detail: 'Send the access token as "Authorization: Bearer …".',
  },
  access_token_invalid: {
    status: 401,
    title: 'The access token is not valid',
    detail: 'It was not issued by this server for this purpose, or it was modified. Refresh, or sign in.',
  },
  access_token_expired: {
    status: 401,
    title: 'The access token has expired',
    detail: 'Refresh and try again.',
  },
  access_token_outdated: {
    status: 401,
    title: 'The access token is out of date',
    detail: 'The user’s roles, password or status changed since it was issued. Refresh and try again.',
  },
  refresh_token_missing: {
    status: 401,
    title: 'No refresh token',
    detail: 'Send {"refresh_token": "…"}, or the cookie of the named session.',
  },
  refresh_token_invalid: {
    status: 401,
    title: 'The refresh token is not valid',
    detail: 'It was not issued by this server for this purpose, or it was modified. Sign in again.',
    terminal: true,
  },
  refresh_token_reused: {
    status: 401,
    title: 'The refresh token was reused',
    detail:
      'Replay detected: the token was rotated before, and may have been stolen. The session was revoked. Sign in again.',
    terminal: true,
  },
  session_revoked: {
    status: 401,
    title: 'The session was revoked',
    detail: 'Sign in again.',
    terminal: true,
  },
  session_expired: {
    status: 401,
    title: 'The session has expired',
    detail: 'Sign in again.',
    terminal: true,
  },
  metrics_token_wrong: {
    status: 401,
    title: 'The metrics token is missing or wrong',
    detail: 'Send the value of METRICS_TOKEN as "Authorization: Bearer …". An access token is not accepted here.',
  },
  current_password_wrong: {
    status: 403,
    title: 'The current password is wrong',
    detail: 'Nothing was changed. Send the current password of the account.',
  },
  reauthentication_required: {
    status: 403,
    title: 'Authenticate again',
    detail: 'This needs an authentication of the last ten minutes: POST /auth/reauthenticate, then try again.',
  },
  challenge_required: {
    status: 403,
    title: 'Solve a challenge',
    detail: 'Nothing was done. Solve the member challenge, and repeat the request with the header Latchkey-Challenge.',
  },
  insufficient_role: {
    status: 403,
    title: 'Not allowed',
    detail: 'The user does not have the required role.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    detail: 'There is no such resource, or this user may not see it.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    detail: 'The header Allow lists the methods of this URL.',
  },
  email_taken: {
    status: 409,
    title: 'The e-mail address already has an account',
    detail: 'Sign in, or register with another address.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    detail: 'A body may have at most 64 KiB.',
  },
  uri_too_long: {
    status: 414,
    title: 'The URL is too long',
    detail: 'Shorten the path.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    detail: 'Send application/json, or a form where the API documentation offers it.',
  },
  expectation_failed: {
    status: 417,
    title: 'The expectation cannot be met',
    detail: 'Expect may only be 100-continue.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    detail: 'Send fewer or smaller headers and cookies.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many attempts',
    detail: 'The member limit names the limit. Wait as long as Retry-After says, then try again.',
    retryAfter: 1,
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    detail: 'Send it again.',
    retryAfter: 1,
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    detail: 'It was logged under requestId. The credentials are still valid.',
  },
  mail_not_configured: {
    status: 501,
    title: 'This server sends no mail',
    detail: 'Nothing was changed. Its operator has not set SMTP_URL.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database is unavailable',
    detail: 'No session was revoked. Try again.',
    retryAfter: 2,
  },
  hashing_busy: {
    status: 503,
    title: 'Too many sign-ins and registrations at once',
    detail: 'Nothing was changed. Try again.',
    retryAfter: 5,
  },
  refresh_busy: {
    status: 503,
    title: 'The refresh timed out',
    detail: 'The session is active and the refresh token still valid. Try again.',
    retryAfter: 1,
  },
  not_ready: {
    status: 503,
    title: 'Not ready',
    detail: 'This process cannot serve requests right now.',
    retryAfter: 2,
  },
  shutting_down: {
    status: 503,
    title: 'Shutting down',
    detail: 'This process is stopping. Try again: another process, or the next one, will respond.',
    retryAfter: 1,
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof CATALOGUE;

/** The table's row, with its optional columns visible. */
export function problemKind(code: ProblemCode): ProblemKind {
  return CATALOGUE[code];
}
