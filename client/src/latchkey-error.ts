import type { FieldError, Problem, ProblemCode } from './api.js';

/**
 * Three codes besides the server's. `unexpected_response`: the response is not from the API, but for example from a proxy
 * or a captive portal. `user_changed`: the user who began the call is not signed in any more, so it was not sent.
 * `code_verifier_missing`: another tab or browser asked for the code, so that only the link of the mail works here.
 */
export type ErrorCode = ProblemCode | 'unexpected_response' | 'user_changed' | 'code_verifier_missing';

/** The server's problem document, or only a code where the response has none. */
type ProblemParts = Omit<Partial<Problem>, 'code'> & { code: ErrorCode };

/** An error response. It never contains a token, nor anything else that was sent. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: ErrorCode;
  /** The credentials are not valid any more: the user has to sign in again. */
  readonly terminal: boolean;
  /** One entry for each invalid field, with a message for users. */
  readonly errors: FieldError[];
  readonly requestId: string | undefined;
  /** The session that the refusal is about, where the server said so. It is over only if `terminal` is true. */
  readonly sessionId: string | undefined;
  /** With a terminal error: why the session was revoked or expired, where the server said so. */
  readonly reason: string | undefined;
  /** With `rate_limited`: the name of the limit with the longest wait. `retryAfter` says how long. */
  readonly limit: string | undefined;

  constructor(
    /** The HTTP status; 0 where nothing was sent. */
    readonly status: number,
    problem: ProblemParts,
    /** Seconds. */
    readonly retryAfter?: number,
  ) {
    super(problem.title ?? problem.code);
    this.code = problem.code;
    // A 429 or 5xx is about the server's state: the credentials stay valid.
    this.terminal = problem.terminal === true && status < 429;
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId;
    this.sessionId = problem.session_id;
    this.reason = problem.reason;
    this.limit = problem.limit;
  }
}

/** Prevents that a call which one user began is sent with the credentials of another, or with none. */
export function userChanged(): LatchkeyError {
  return new LatchkeyError(0, { code: 'user_changed' });
}

/** The response is not from the API, or malformed. */
export function unexpectedResponse(status: number): LatchkeyError {
  return new LatchkeyError(status, { code: 'unexpected_response' });
}

/** Parses an error response. It reads a clone, so that the caller can still read the body. */
export async function errorOf(response: Response): Promise<LatchkeyError> {
  let problem: Problem | undefined;
  if (/problem\+json/.test(response.headers.get('content-type') ?? '')) {
    problem = (await response
      .clone()
      .json()
      .catch(() => undefined)) as Problem | undefined;
  }
  return new LatchkeyError(
    response.status,
    typeof problem?.code === 'string' ? problem : { code: 'unexpected_response' },
    // Retry-After can also be a date. It is ignored, because the clock of this device may be wrong.
    Number(/^\d+$/.exec(response.headers.get('retry-after') ?? '')?.[0]) || undefined,
  );
}

/** Whether the same request may succeed later: a network error, a response from elsewhere, or 408, 429 and 5xx. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof LatchkeyError)) return true;
  const { status, code } = error;
  return status >= 429 || status === 408 || code === 'unexpected_response';
}
