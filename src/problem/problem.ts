import type { Challenge } from 'altcha-lib/types';
import { problemKind, type ProblemCode } from './catalogue.js';
import { limitHeaders, longestWait, type ExceededLimit } from './exceeded-limit.js';

export interface FieldError {
  field: string;
  message: string;
}

interface ProblemOptions {
  /** Overrides the catalogue's status: only for `request_refused`. */
  status?: number;
  /** Overrides the catalogue's text. Never holds anything a caller sent or a library said. */
  detail?: string;
  errors?: FieldError[];
  /** The session that the problem is about, where it is known. */
  sessionId?: string;
  /** Why the session was revoked, as stored: `logout`, `credentials_changed`, … */
  reason?: string;
  /** The limits that refused the request: only for `rate_limited`. */
  limits?: [ExceededLimit, ...ExceededLimit[]];
  /** The challenge to solve: only for `challenge_required`. */
  challenge?: Challenge;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error that the caller sees. Its identity is the `code`; the catalogue defines everything else. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly options: ProblemOptions = {},
  ) {
    super(code, { cause: options.cause });
  }

  get status(): number {
    return this.options.status ?? problemKind(this.code).status;
  }

  /** The body: RFC 9457 with `code`, `requestId` and `terminal`. */
  toBody(requestId: string): Record<string, unknown> {
    const { title, detail, terminal } = problemKind(this.code);
    const { errors, sessionId, reason, limits, challenge } = this.options;
    return {
      type: `urn:latchkey:problem:${this.code}`,
      title,
      status: this.status,
      detail: this.options.detail ?? detail,
      code: this.code,
      requestId,
      terminal: terminal ?? false,
      ...(errors && { errors }),
      ...(sessionId && { session_id: sessionId }),
      ...(reason && { reason }),
      ...(limits && { limit: longestWait(limits).name }),
      ...(challenge && { challenge }),
    };
  }

  /** `Retry-After` where waiting helps; `WWW-Authenticate` on every 401 (RFC 6750 section 3). */
  toHeaders(): Record<string, string> {
    const { retryAfter } = problemKind(this.code);
    return {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(this.options.limits && limitHeaders(this.options.limits)),
      ...authenticateHeader(this.code, this.status),
      ...this.options.headers,
    };
  }
}

const BARE: ProblemCode[] = [
  'access_token_missing',
  'refresh_token_missing',
  'invalid_credentials',
  // RFC 6750 does not apply to this token.
  'metrics_token_wrong',
];

/** No token: the bare challenge. A bad one: `invalid_token`. Too little: `insufficient_scope`. */
function authenticateHeader(code: ProblemCode, status: number): Record<string, string> {
  const realm = 'Bearer realm="latchkey"';
  if (code === 'insufficient_role') return { 'www-authenticate': `${realm}, error="insufficient_scope"` };
  if (status !== 401) return {};
  return { 'www-authenticate': BARE.includes(code) ? realm : `${realm}, error="invalid_token"` };
}
