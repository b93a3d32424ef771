import type { FieldError, Problem, ProblemCode } from './api.js';

/**
 * Beyond the server's codes: `unexpected_response` is a response that is not the server's (a proxy, a captive portal);
 * `user_changed` is a call that was begun as one person, and would have gone out as another, or as nobody.
 */
export type ErrorCode = ProblemCode | 'unexpected_response' | 'user_changed';

/** A problem as the server tells it, or the little that is known where it told none. */
type Told = Omit<Partial<Problem>, 'code'> & { code: ErrorCode };

/** Why a call failed, as the server put it. Never holds a token, nor anything that was sent. */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: ErrorCode;
  /** True only where the credentials are dead: sign in again. */
  readonly terminal: boolean;
  /** Which fields are wrong, with texts that can be shown. */
  readonly errors: FieldError[];
  readonly requestId: string | undefined;
  /** The session that a terminal response is about, and why it ended, where the server said so. */
  readonly sessionId: string | undefined;
  readonly reason: string | undefined;

  constructor(
    /** The HTTP status; 0 where no response is the reason. */
    readonly status: number,
    problem: Told,
    /** Seconds. */
    readonly retryAfter?: number,
  ) {
    super(`${problem.code}${problem.title ? `: ${problem.title}` : ''}`);
    this.code = problem.code;
    // A server in trouble cannot know that credentials are dead.
    this.terminal = problem.terminal === true && status < 500 && status !== 429;
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId;
    this.sessionId = problem.session_id;
    this.reason = problem.reason;
  }
}

/** For what one person began, and nobody else is to finish. */
export function userChanged(): LatchkeyError {
  return new LatchkeyError(0, { code: 'user_changed' });
}

/** Reads a refusal. Leaves the response itself unread, for whoever asked. */
export async function errorOf(response: Response): Promise<LatchkeyError> {
  let problem: unknown;
  if (/problem\+json/.test(response.headers.get('content-type') ?? '')) {
    problem = await response
      .clone()
      .json()
      .catch(() => undefined);
  }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new LatchkeyError(
    response.status,
    isProblem(problem) ? problem : { code: 'unexpected_response' },
    // A date would have to be compared with this device's clock.
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

function isProblem(value: unknown): value is Problem {
  return typeof (value as Problem | null | undefined)?.code === 'string';
}

/** Whether the same may well succeed later: no response, none of the server's own, or one that says so. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof LatchkeyError)) return true;
  const { status, code } = error;
  return status >= 500 || status === 429 || status === 408 || code === 'unexpected_response';
}
